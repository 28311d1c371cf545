"""The page Evaluate: what it takes, an evaluation from start to end, its figures and its rows."""

import json
import time

import pytest

from comparison.columns import Column
from comparison.evaluation.kept import list_evaluations
from comparison.evaluation.process import work
from comparison.evaluation.start import make_evaluation
from comparison.exams.kept import SAMPLE
from pages.shared.lab import get_lab
from workbench import jobs

ROWS = [
    {"question": "When does the <b>workshop</b> close?", "answers": ["17:20"]},
    {"question": "Who is the mayor?", "unanswerable": True},
]


def at(app):
    app.switch_page("pages/comparing/evaluate.py").run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def button(app, label):
    return next(one for one in app.button if one.label == label)


def press(app, label):
    button(app, label).click().run()
    assert not app.exception


@pytest.fixture()
def kept(app, handbook):
    """The app with documents, an exam that is kept, and an evaluation of it."""
    lab = get_lab()
    lab.knowledge_base.add(handbook)
    data = "\n".join(map(json.dumps, ROWS)).encode()
    (lab.home.folder / "exams").mkdir()
    (lab.home.folder / "exams" / "mine.jsonl").write_bytes(data)
    columns = [Column("base"), Column("rag")]
    work(make_evaluation(lab, data, "mine.jsonl", columns, "first"))
    return at(app)


def test_at_first_it_says_what_is_there_and_what_is_missing(app):
    at(app)
    assert app.selectbox(key="evaluation-exam").options == [SAMPLE, "A file of my own"]
    assert app.multiselect[0].value == ["base"]
    assert "rag, hybrid: No documents yet." in words(app)
    assert "finetuned: No adapter for this model yet." in words(app)
    assert "72 questions, 12 of them without an answer; 72 answers in all." in words(app)
    assert not button(app, "Start the evaluation").disabled
    app.multiselect[0].set_value([]).run()
    assert button(app, "Start the evaluation").disabled
    app.selectbox(key="evaluation-exam").set_value("A file of my own").run()
    assert "CSV with the columns question and answers" in words(app)
    assert button(app, "Start the evaluation").disabled


def test_what_was_found_is_shown_verdicts_first(kept):
    app = kept
    assert [one.value for one in app.subheader] == ["first – done", "Questions"]
    said = words(app)
    assert "No difference between" in said and "are needed to tell one of" in said
    figures = app.dataframe[1].value
    assert list(figures["column"]) == ["base", "rag"] and "hit_at_k" not in figures
    assert all("(" in cell for cell in figures["right"])
    pools = app.dataframe[2].value
    assert list(pools["Pool"]) == ["Not answered by the documents"]
    assert list(pools["Questions"]) == [1] and {"base", "rag"} <= set(pools)
    rows = app.dataframe[3].value
    assert list(rows["Question"]) == [row["question"] for row in ROWS]
    assert list(rows["Expected"]) == ["17:20", "no answer"] and {"base", "rag"} <= set(rows)
    show = next(one for one in app.selectbox if one.label == "Show")
    assert "Unanswerable (1)" in show.options
    show.set_value("Unanswerable").run()
    assert list(app.dataframe[3].value["#"]) == [2]
    assert "money_per_1000" not in figures
    app.number_input(key="price-machine_hour").set_value(2.5).run()
    assert all("(" in cell for cell in app.dataframe[1].value["money_per_1000"])
    app.selectbox(key="evaluation-chart").set_value("money_per_1000").run()
    assert not app.exception
    app.selectbox(key="evaluation-chart").set_value("f1").run()
    assert not app.exception and "Mean overlap of words" in words(app)


def test_one_question_is_shown_side_by_side_and_nothing_of_it_is_markup(kept, monkeypatch):
    def drawn():
        from comparison.evaluation.by_question import kinds
        from comparison.evaluation.kept import list_evaluations
        from pages.shared.evaluation_rows import detail
        from pages.shared.lab import get_lab

        lab = get_lab()
        (evaluation,) = list_evaluations(lab.home)
        detail(lab, evaluation, kinds(evaluation)["All"][0])

    from streamlit.testing.v1 import AppTest

    one = AppTest.from_function(drawn, default_timeout=60).run()
    assert not one.exception
    raw = "\n".join(element.value for element in one.markdown)
    assert r"\<b\>workshop\</b\>" in raw and "Expected: 17\\:20" in raw
    assert "**base**" in raw and "**rag**" in raw
    base_again, open_it, rag_again, all_again = one.button
    assert (base_again.label, rag_again.label) == ("Ask again", "Ask again")
    assert (open_it.label, all_again.label) == ("Open in the document", "Ask it again")
    open_it.click().run()
    assert not one.exception and not one.error
    assert ":yellow-background[" in "\n".join(element.value for element in one.markdown)
    asked = []
    monkeypatch.setattr(
        "comparison.evaluation.start.ask_again", lambda _lab, _of, cells: asked.append(cells)
    )
    one.button(key="again-0-rag").click().run()
    assert not one.exception and asked == [[(0, "rag")]]


def test_a_question_that_was_trained_on_is_told_before_the_start(kept, trained_run):
    trained_run(get_lab().home, [{"question": ROWS[0]["question"], "answer": "17:20"}])
    assert "1 of 2 questions was trained on in the run tuned: 1 word for word." in words(at(kept))


def wait_until_ended(evaluation):
    deadline = time.monotonic() + 60
    while jobs.read(evaluation.folder).active:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_evaluation_is_started_cancelled_and_deleted(kept):
    app = kept
    lab = get_lab()
    app.selectbox(key="evaluation-exam").set_value(SAMPLE).run()
    press(app, "Start the evaluation")
    made = list_evaluations(lab.home)[0]
    assert made.name == "evaluation-1" and made.exam == "exam.jsonl"
    assert {"Pause", "Cancel"} <= {one.label for one in app.button}
    assert "Start the evaluation" not in [one.label for one in app.button]
    press(app, "Cancel")
    wait_until_ended(made)
    at(app)
    assert app.subheader[0].value.replace("\\", "") == "evaluation-1 – cancelled"
    assert "Go on" not in [one.label for one in app.button]
    (name,) = (one for one in app.text_input if one.label == "Name")
    assert name.placeholder == "evaluation-2"
    press(app, "Delete for good")
    assert [one.name for one in list_evaluations(lab.home)] == ["first"]


def test_a_csv_file_is_asked_and_what_it_leaves_out_is_told(kept):
    app = kept
    app.selectbox(key="evaluation-exam").set_value("A file of my own").run()
    rows = "Question;Answers\nWhen does the workshop close?;17:20\n;30 days\n".encode("cp1252")
    app.file_uploader[0].set_value(("mine.csv", rows, "text/csv")).run()
    assert not app.exception and "1 question, 0 of them without an answer" in words(app)
    assert "Rows left out: 1" in [one.label for one in app.expander]
    press(app, "Start the evaluation")
    made = list_evaluations(get_lab().home)[0]
    assert (made.exam, made.questions) == ("mine.csv", 1)
    press(app, "Cancel")
    wait_until_ended(made)


def test_a_broken_exam_and_a_changed_home_are_one_sentence_each(kept):
    app, lab = kept, get_lab()
    (evaluation,) = list_evaluations(lab.home)
    lines = (evaluation.folder / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (evaluation.folder / "rows.jsonl").write_bytes(lines[0])
    jobs.Job(evaluation.folder)._save("paused", "Paused")
    (lab.home.folder / "exams" / "mine.jsonl").write_text("question,answer\n", encoding="utf-8")
    lab.knowledge_base.remove("handbook.md")
    at(app)
    assert "The only row of 'mine.jsonl' can't be asked. Row 1: it is not JSON" in words(app)
    assert "1 of 4 answers are there so far." in words(app)
    press(app, "Go on")
    assert "rag can't answer yet: No documents yet." in words(app)
    press(at(app), "Start anew")
    assert "rag can't answer yet: No documents yet." in words(app)
    assert [one.state.state for one in list_evaluations(lab.home)] == ["paused"]
