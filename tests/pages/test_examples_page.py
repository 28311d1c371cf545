"""Examples on their page: imported, looked through, put right, and brought back."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from finetune_backend.examples.store import add_examples, list_examples
from pages.shared.lab import get_lab
from workbench.values import Example

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = "pages/finetuning/examples.py"
ROWS = [
    Example(f"{ask} thing {n}?", f"It is {n}.", f"thing {n}", f"{n % 2}.md", f"Thing {n} is {n}.")
    for n in range(4)
    for ask in ("What is", "Would you describe", "How is")
]


@pytest.fixture()
def app(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("RAGTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))
    monkeypatch.setenv("RAGTUNE_ENGINE", "transformers")  # nothing is converted meanwhile
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    yield app
    st.cache_resource.clear()


def at(app, *examples):
    add_examples(get_lab().database, examples)
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def press(app, label):
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    labels = [one.label for one in app.expander]
    return "\n".join([*(one.value for kind in kinds for one in kind), *labels]).replace("\\", "")


def there():
    return list_examples(get_lab().database)


def upload(app, name, data, key=None):
    box = app.file_uploader(key=key) if key else app.file_uploader[0]
    box.set_value((name, data, "application/octet-stream")).run()
    assert not app.exception


# Findings


def test_a_good_set_needs_no_look(app):
    at(app, *ROWS)
    assert "No row needs a look." in words(app)
    assert "With the preset each fact is seen 42 times (median)" in words(app)


def test_what_is_found_is_removed_and_brought_back(app):
    repeated = Example("what is THING 2", "It is 2", "thing 2")
    other = Example("How is thing 1", "It is well.", "thing 1")
    at(app, *ROWS, repeated, other)
    said = words(app)
    assert "1 row repeats another" in said and "1 question has more than one answer" in said
    tables = [list(one.value["Row"]) for one in app.dataframe if "Beside" in one.value]
    assert tables == [[13], [6, 14]]
    press(app, "Remove this row")
    assert there() == [*ROWS, other]
    assert "1 example removed" in words(app) and "repeats another" not in words(app)
    press(app, "Undo")
    assert there() == [*ROWS, repeated, other]


def test_examples_that_ask_what_a_test_asks_are_found(app):
    at(app, *ROWS)
    exam = [
        {"question": "how is thing 3", "answers": ["3"]},
        {"question": "New?", "answers": ["x"]},
    ]
    upload(app, "exam.jsonl", "\n".join(map(json.dumps, exam)).encode(), "held-out")
    assert "1 row asks what the test asks" in words(app)
    press(app, "Remove this row")
    assert len(there()) == 11
    assert "none asks what the test asks" in words(app)
    upload(app, "exam.jsonl", b"nonsense", "held-out")
    assert "Line 1 of exam.jsonl is not JSON" in app.error[0].value.replace("\\", "")


# Import


def parquet(columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_a_file_with_our_columns_is_imported_at_once(app):
    at(app)
    upload(app, "a.parquet", parquet({"question": ["A?", None], "answer": ["a", "b"]}))
    assert [one.question for one in there()] == ["A?"]
    assert "1 examples imported" in words(app)
    (left_out,) = (one.value for one in app.dataframe if "Why" in one.value)
    assert left_out.values.tolist() == [[2, "the question is empty"]]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"Nr;Frage;Antwort\n1;Wo?;Hier.\n2;Wann?;\n"),
        (
            "a.parquet",
            parquet({"Nr": [1, 2], "Frage": ["Wo?", "Wann?"], "Antwort": ["Hier.", None]}),
        ),
    ],
)
def test_columns_with_other_names_are_chosen(app, name, data):
    at(app)
    upload(app, name, data)
    assert there() == [] and "Which ones hold them?" in words(app)
    (shown,) = (one.value for one in app.dataframe)
    assert shown["Frage"].tolist() == ["Wo?", "Wann?"]
    boxes = {box.label: box for box in app.selectbox}
    assert boxes["Question"].options == ["Nr", "Frage", "Antwort"]
    boxes["Question"].set_value("Antwort")
    boxes["Answer"].set_value("Antwort").run()
    press(app, "Import")
    assert there() == []
    assert "given for question and for answer" in app.error[0].value
    {box.label: box for box in app.selectbox}["Question"].set_value("Frage").run()
    press(app, "Import")
    assert [(one.question, one.answer) for one in there()] == [("Wo?", "Hier.")]
    assert "1 examples imported" in words(app)
    (left_out,) = (one.value for one in app.dataframe if "Why" in one.value)
    assert left_out["Why"].tolist() == ["the answer is empty"]


def test_a_file_that_cannot_be_used_is_one_sentence(app):
    at(app)
    upload(app, "a.parquet", b"PAR1 or not")
    assert "is not a Parquet file" in app.error[0].value
    assert there() == []
