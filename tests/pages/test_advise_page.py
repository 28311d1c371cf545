"""The page Advise: without anything measured, with an evaluation, and with answers to it."""

import json

from pages.shared.lab import get_lab
from workbench.files import write_json


def at(app, page):
    app.switch_page(page).run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.subheader)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def keep(name, rows):
    folder = get_lab().home.folder / "evaluations" / name
    folder.mkdir(parents=True)
    rows = [row | {"number": n, "column": row["method"]} for n, row in enumerate(rows)]
    saved = {"exam": "mine.jsonl", "questions": len(rows) + 1, "repeated": 0, "conditions": {}}
    columns = [{"method": "rag", "adapter": None}]
    write_json(folder / "evaluation.json", saved | {"columns": columns, "created": 0.0})
    write_json(folder / "state.json", {"state": "paused", "message": ""})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")


def rows(method, right, seconds):
    return [
        {
            "question": f"{number}?",
            "method": method,
            "contains": float(number < right),
            "latency_ms": 1000 * seconds,
        }
        for number in range(40)
    ]


def test_it_says_what_to_measure_first(app):
    at(app, "pages/comparing/advise.py")
    assert "Use RAG" in words(app) and "Confidence: low" in words(app)
    assert "No exam has been asked yet" in words(app) and "ragtune evaluate" in words(app)
    assert "Nothing was measured yet that has a cost" in words(app)
    app.selectbox(key="advise_use-kind").set_value("form").run()
    assert not app.exception and "Use fine-tuning" in words(app)


def test_answers_change_the_advice_and_are_kept(app):
    keep("first", rows("base", 0, 1.0) + rows("rag", 36, 3.0))
    keep("worse", rows("rag", 1, 3.0))
    at(app, "pages/comparing/advise.py")
    chosen = next(one for one in app.selectbox if one.label == "Evaluation")
    assert set(chosen.options) == {"first", "worse"}
    chosen.set_value("first").run()
    assert "Use RAG" in words(app) and "From first, 80 of 81 answers." in words(app)
    assert "Never: base costs no more than RAG" in words(app)
    app.number_input(key="advise_use-wait").set_value(2.0).run()
    app.number_input(key="advise_use-questions").set_value(5000).run()
    app.number_input(key="price-machine_hour").set_value(0.36).run()
    app.number_input(key="price-machine_hour").set_value(3.6).run()
    assert not app.exception
    assert "takes longer than 2 s: RAG (3.0 s)" in words(app)
    assert "A month of 5,000 questions costs: base 5, RAG 15" in words(app)
    table = app.dataframe[0].value
    assert list(table["RAG"])[list(table["Rule"]).index("Waiting")] == "ruled out"
    at(app, "pages/setup/settings.py")
    at(app, "pages/comparing/advise.py")
    assert app.number_input(key="advise_use-wait").value == 2.0
    assert app.number_input(key="price-machine_hour").value == 3.6
    assert app.selectbox(key="advise_use-changes").value == "unknown"


def test_an_evaluation_that_is_none_is_one_sentence(app):
    keep("bad <b>", [{"question": "?", "method": "magic"}])
    at(app, "pages/comparing/advise.py")
    assert "Row 1 of the evaluation has the method 'magic'" in app.error[0].value.replace("\\", "")
