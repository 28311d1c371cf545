"""Examples on their page: imported, looked through, put right, and brought back."""

import dataclasses
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from comparison.exams.kept import list_exams
from comparison.write_examples import writing_folder
from finetune_backend.examples.store import add_examples, change_examples, list_examples
from pages.shared.lab import get_lab
from pages.shared.plain import plain
from workbench import jobs
from workbench.values import Example

PAGE = "pages/finetuning/examples.py"
ROWS = [
    Example(f"{ask} thing {n}?", f"It is {n}.", f"thing {n}", f"{n % 2}.md", f"Thing {n} is {n}.")
    for n in range(4)
    for ask in ("What is", "Would you describe", "How is")
]


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


def test_rows_in_another_language_are_listed(app):
    english = [
        Example(f"What is the weight of thing {n}?", f"It weighs {n} kg.", f"{n}") for n in range(3)
    ]
    at(app, *english, Example("Wie lange gilt ein Gutschein?", "Er gilt vier Jahre.", "voucher"))
    assert "1 row seems to be in another language than the 3 in English." in words(app)
    assert ["German"] in [
        list(one.value["Beside"]) for one in app.dataframe if "Beside" in one.value
    ]


def test_undo_leaves_alone_what_others_did_meanwhile(app):
    at(app, *ROWS[:2])
    upload(app, "a.csv", b"question,answer\nWho?,Ada.\nWhen?,Now.\n")
    other = Example("Added elsewhere?", "Yes.", "other")
    add_examples(get_lab().database, [other])
    change_examples(get_lab().database, ROWS[:1], [])
    app.run()
    press(app, "Undo")
    assert there() == [ROWS[1], other]
    press(app, "Delete all")
    add_examples(get_lab().database, ROWS[:1])
    press(app, "Undo")
    assert there() == [ROWS[1], other, ROWS[0]]


def test_nothing_is_taken_away_while_examples_are_written(app):
    at(app, *ROWS, Example("what is THING 2", "It is 2", "thing 2"))
    upload(app, "a.csv", b"question,answer\nWho?,Ada.\n")

    def blocked():
        taking = ("Undo", "Delete all", "Remove this row")
        return [one.disabled for one in app.button if one.label in taking]

    assert blocked() == [False] * 3
    folder = writing_folder(get_lab().home)
    folder.mkdir()
    with jobs.working(folder):
        app.run()
        assert blocked() == [True] * 3


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
    assert "is not JSON" in app.error[0].value


# Split


def test_a_split_keeps_exams_and_sets_their_rows_aside(app):
    at(app, *ROWS)
    app.number_input(key="split-validation").set_value(0)
    app.number_input(key="split-test").set_value(25)
    press(app, "Split")
    assert "9 examples to train on; 3 are set aside and kept as the exam test" in words(app)
    held = [one for one in there() if one.status == "set aside"]
    (exam,) = list_exams(get_lab().home)
    assert (exam.name, exam.questions, len({one.fact for one in held})) == ("test", 3, 1)
    app.switch_page("pages/finetuning/finetune.py").run()
    assert "**9 examples, 3 facts**" in words(app) and "the exam test" not in words(app)
    at(app)
    press(app, "Undo")
    assert there() == ROWS
    app.switch_page("pages/finetuning/finetune.py").run()
    assert not app.exception
    assert "3 examples ask what the exam test asks" in words(app)
    at(app)
    app.selectbox(key="held-out-kept").set_value("test").run()
    assert "3 rows ask what the test asks" in words(app)
    press(app, "Remove these 3 rows")
    assert len(there()) == 9


# Import


def parquet(columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_a_file_with_our_columns_is_imported_at_once(app):
    at(app)
    upload(app, "a.parquet", parquet({"question": ["A?", None], "answer": ["a", "b"]}))
    assert [one.question for one in there()] == ["A?"]
    assert "1 example imported" in words(app)
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
    assert boxes["Question"].options == ["–", "Nr", "Frage", "Antwort"]
    boxes["Question"].set_value("Antwort")
    boxes["Answer"].set_value("Antwort").run()
    press(app, "Import")
    assert there() == []
    assert "given for question and for answer" in app.error[0].value
    {box.label: box for box in app.selectbox}["Question"].set_value("Frage").run()
    press(app, "Import")
    assert [(one.question, one.answer) for one in there()] == [("Wo?", "Hier.")]
    assert "1 example imported" in words(app)
    (left_out,) = (one.value for one in app.dataframe if "Why" in one.value)
    assert left_out["Why"].tolist() == ["the answer is empty"]


def test_further_columns_can_be_chosen_too(app):
    at(app)
    upload(app, "a.csv", b"question,answer,group,source\nWo?,Hier.,g,a.md\n")
    assert there() == [] and "Which columns hold what?" in words(app)
    boxes = {box.label: box for box in app.selectbox}
    assert [boxes[one].value for one in ("Question", "Answer", "Fact")] == [
        "question",
        "answer",
        None,
    ]
    boxes["Fact"].set_value("group")
    boxes["Document"].set_value("source").run()
    press(app, "Import")
    assert there() == [Example("Wo?", "Hier.", "g", "a.md")]


def test_chats_in_a_column_of_another_name_are_chosen(app):
    at(app)
    chat = [{"role": "user", "content": "Wo?"}, {"role": "assistant", "content": "Hier."}]
    upload(app, "a.jsonl", json.dumps({"conversation": chat, "id": 1}).encode())
    boxes = {box.label: box for box in app.selectbox}
    for label in ("Question", "Answer"):
        boxes[label].select("–")
    boxes["Chat, in place of both"].set_value("conversation").run()
    press(app, "Import")
    assert [(one.question, one.answer) for one in there()] == [("Wo?", "Hier.")]


def test_a_file_that_cannot_be_used_is_one_sentence(app):
    at(app)
    upload(app, "a.parquet", b"PAR1 or not")
    assert "is not a Parquet file" in app.error[0].value
    assert there() == []


# Review

REVIEWED = [
    Example("Who is it?", "Ada.", "who", "a.md", "It is Ada *Brandt*.", "waiting"),
    Example("When is it?", "In May.", "when", "b.md", "In May.", "waiting"),
    Example("Where is it?", "Here.", "where", "a.md", "Here.", "rejected"),
    Example("Why is it?", "So.", "why", None, "", "approved"),
    Example("How is it?", "Fine.", "how", None, "", "approved"),
]


def statuses():
    return "".join(one.status[0] for one in there())


def shown(app):
    return app.data_editor[0].value["question"].tolist()


def test_examples_are_approved_and_rejected_together(app):
    at(app, *REVIEWED)
    assert statuses() == "wwraa" and len(shown(app)) == 5
    app.selectbox(key="examples-status").set_value("waiting").run()
    assert shown(app) == ["Who is it?", "When is it?"] and "2 of 5 shown" in words(app)
    app.multiselect(key="examples-documents").set_value(["b.md"]).run()
    press(app, "Reject all shown")
    assert statuses() == "wrraa" and "1 example rejected" in words(app)
    assert shown(app) == []
    app.multiselect(key="examples-documents").set_value([]).run()
    press(app, "Approve all shown")
    assert statuses() == "arraa"
    press(app, "Undo")
    assert statuses() == "wrraa"
    app.selectbox(key="examples-status").set_value(None).run()
    app.text_input(key="examples-search").set_value("FINE").run()
    assert shown(app) == ["How is it?"]


def test_a_filter_by_a_document_that_is_gone_shows_all(app):
    at(app, *REVIEWED)
    app.multiselect(key="examples-documents").set_value(["b.md"]).run()
    change_examples(
        get_lab().database, list_examples(get_lab().database), [REVIEWED[0], *REVIEWED[2:]]
    )
    app.run()
    assert not app.exception and len(shown(app)) == 4


def test_nothing_is_said_of_rejected_examples(app):
    wrong = Example("Who is it", "Ada", "who", status="rejected")
    at(app, wrong, *ROWS)
    assert "No row needs a look." in words(app)
    change_examples(
        get_lab().database,
        list_examples(get_lab().database),
        [wrong, *ROWS, Example("Tell me thing 1", "It's", "1")],
    )
    app.run()
    (table,) = (one.value for one in app.dataframe if "Beside" in one.value)
    assert table["Row"].tolist() == [14]


def test_the_passage_of_an_example_is_shown_as_text(app):
    def passages():
        from pages.shared.example_table import show_passages
        from workbench.values import Example

        show_passages(
            [
                Example("Who? [x](http://a.b)", "Ada.", "who", "a.md", "It is Ada *Brandt*."),
                Example("Why?", "So.", "why"),
            ]
        )

    drawn = AppTest.from_function(passages).run()
    assert not drawn.exception
    values = [one.value for one in drawn.markdown]
    assert f"**{plain('Who? [x](http://a.b)')}**  \n{plain('Ada.')}" in values
    assert f"It is :yellow-background[Ada] {plain('*Brandt*.')}" in values
    assert "imported or typed" in drawn.caption[1].value


def test_only_approved_examples_are_trained_on_if_wanted(app):
    at(app, *(dataclasses.replace(one, status="waiting") for one in ROWS[:3]), *ROWS[3:])
    for page in ("finetune", "sweep"):
        app.switch_page(f"pages/finetuning/{page}.py").run()
        assert not app.exception
        assert "**12 examples, 4 facts**" in words(app)
        app.toggle[0].set_value(True).run()
        assert "**9 examples, 3 facts**" in words(app)


# Editing


def edit(app, rows=(), added=(), deleted=()):
    edits = {"edited_rows": dict(rows), "added_rows": list(added), "deleted_rows": list(deleted)}
    app.session_state[app.session_state["examples_table"]] = edits
    app.run()
    assert not app.exception


def test_an_edit_under_a_filter_keeps_what_is_hidden(app):
    at(app, *REVIEWED)
    app.selectbox(key="examples-status").set_value("waiting").run()
    assert next(one for one in app.button if one.label == "Save changes").disabled
    edit(
        app,
        {0: {"answer": "Ada B.", "status": "approved"}},
        [{"question": "New?", "answer": "Yes.", "status": "approved"}],
        [1],
    )
    # Another table would be drawn, without what was edited.
    assert app.selectbox(key="examples-status").disabled
    assert app.text_input(key="examples-search").disabled
    assert next(one for one in app.button if one.label == "Approve all shown").disabled
    press(app, "Save changes")
    changed = dataclasses.replace(REVIEWED[0], answer="Ada B.", status="approved")
    assert there()[:-1] == [changed, *REVIEWED[2:]]
    assert (there()[-1].question, there()[-1].answer) == ("New?", "Yes.")
    assert shown(app) == [] and not app.selectbox(key="examples-status").disabled
    press(app, "Undo")
    assert there() == REVIEWED


def test_an_edit_is_discarded(app):
    at(app, *REVIEWED)
    edit(app, {3: {"answer": "Wrong."}})
    press(app, "Discard changes")
    assert there() == REVIEWED and not app.selectbox(key="examples-status").disabled
    edit(app, {3: {"question": " "}})
    press(app, "Save changes")
    assert there() == [*REVIEWED[:3], REVIEWED[4]]
    (left_out,) = (one.value for one in app.dataframe if "Why" in one.value)
    assert left_out.values.tolist() == [[4, "the question is empty"]]


def test_a_look_at_a_passage_is_no_edit(app):
    at(app, *REVIEWED)
    app.selectbox(key="examples-status").set_value("rejected").run()
    edit(app, {0: {"look": True}})
    assert "**Where is it?**  \nHere." in words(app) and ":yellow-background[Here]." in words(app)
    assert not app.selectbox(key="examples-status").disabled
    assert next(one for one in app.button if one.label == "Save changes").disabled
    app.selectbox(key="examples-status").set_value("waiting").run()
    assert "**Who is it?**" not in words(app)
