"""The page Experiments: what is missing, what runs, and what was found."""

import json
import time

import pytest

from comparison.experiments.experiment import Figure, Result, as_saved
from comparison.experiments.kept import list_kept
from pages.shared.lab import get_lab
from workbench.files import write_json

EXAM = "\n".join(
    json.dumps({"question": f"How many days of {what}?", "answers": [f"{days} days"]})
    for what, days in (("leave", 31), ("notice", 14), ("return", 40))
)
KITES = b"# Leave\n\n31 days of leave.\n\n# Notice\n\n14 days of notice.\n\n# Return\n\n40 days.\n"


@pytest.fixture()
def page(app):
    app.switch_page("pages/comparing/experiments.py").run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def kept_in(home, name, state, result=None, rows=()):
    folder = home.folder / "experiments" / name
    folder.mkdir(parents=True)
    made = {"key": name.split("-")[0], "exam": "e.jsonl", "adapter": None}
    more = {"options": {"questions": 3}, "conditions": {"model": "abc"}, "created": time.time()}
    write_json(folder / "experiment.json", made | more)
    write_json(folder / "state.json", {"state": state, "message": "It *broke*."})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines, encoding="utf-8")
    if result is not None:
        write_json(folder / "result.json", as_saved(result))


def test_without_documents_it_says_what_to_do(page):
    assert words(page).count("No documents yet") == 6  # style can do without
    assert words(page).count("No examples yet") == 2  # of those that train
    assert [b.key for b in page.button if b.label == "Start"] == ["start-style"]
    assert "Results" not in [one.value for one in page.subheader]


def cancel(page, lab):
    page.button(key="cancel-context-1").click().run()
    deadline = time.monotonic() + 60
    while list_kept(lab.home)[0].state.active:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_csv_file_is_an_exam_and_what_it_leaves_out_is_shown(page):
    lab = get_lab()
    lab.knowledge_base.add_bytes(KITES, "kites.md")
    days = "\n".join(f"How many days of {what}?,{n} days" for what, n in (("leave", 31), ("a", 2)))
    rows = f"question,answers\n{days}\nHow many days of notice?,14 days\n,40 days\n".encode()
    page.run()
    page.file_uploader[0].set_value(("mine.csv", rows, "text/csv")).run()
    assert not page.exception
    assert "Rows left out: 1" in [one.label for one in page.expander]
    page.button(key="start-context").click().run()
    (kept,) = list_kept(lab.home)
    assert (kept.exam, len(kept.questions())) == ("mine.csv", 3)
    cancel(page, lab)


def test_one_click_starts_and_it_can_be_cancelled(page):
    lab = get_lab()
    lab.knowledge_base.add_bytes(KITES, "kites.md")
    own = lab.home.folder / "exams" / "kites.jsonl"
    own.parent.mkdir()
    own.write_text(EXAM, encoding="utf-8")
    page.run()
    assert [b.label for b in page.button].count("Start") == 6  # hybrid waits for an adapter
    assert "No adapter for this model yet" in words(page)
    page.button(key="start-context").click().run()
    assert not page.exception
    (kept,) = list_kept(lab.home)
    assert (kept.name, kept.exam, kept.options) == ("context-1", "kites.jsonl", {"questions": 30})
    assert page.button(key="start-quality").disabled
    cancel(page, lab)
    page.run()
    assert not page.exception and "context-1 – cancelled" in words(page)
    next(one for one in page.button if one.label == "Delete for good").click().run()
    assert not page.exception and list_kept(lab.home) == []


@pytest.mark.parametrize("form", ["bars", "points", "lines", "curve", "none"])
def test_a_result_is_drawn_with_its_caption_and_its_files(page, form):
    table = [
        {"who": who, "what": what, "count": 1, "of": 2, "share": 0.5, "low": 0.1, "high": 0.9}
        for who in ((100, 1000) if form == "curve" else ("RAG", "base"))
        for what in ("true", "false")
    ]
    figure = Figure(form, "who", "share", "what", "Share")
    figures = () if form == "none" else (figure, figure)
    result = Result(tuple(table), figures, "RAG *wins*.", ("A note.",), ({"true": "1"},))
    kept_in(get_lab().home, "context-1", "done", result, [{"answer": "=1+1", "method": "rag"}])
    page.run()
    assert not page.exception
    assert "**RAG *wins*.**" in words(page) and "A note." in words(page)
    assert "Context dependence · context-1 – done" in words(page)
    assert [one.label for one in page.get("download_button")] == [
        "Report",
        "Markdown",
        "Answers as CSV",
        "Everything as JSON",
    ]
    assert len(page.get("vega_lite_chart")) == len(figures)


def test_what_failed_says_why_and_may_go_on(page):
    kept_in(get_lab().home, "context-1", "failed", rows=[{"answer": "A", "method": "rag"}])
    kept_in(get_lab().home, "hybrid-1", "cancelled")
    page.run()
    assert not page.exception
    chooser = next(one for one in page.selectbox if one.label == "Experiment")
    assert chooser.options == ["hybrid-1", "context-1"]
    chooser.select("context-1").run()
    assert not page.exception
    assert "It *broke*." in words(page) and "All 1 answers" in [e.label for e in page.expander]
    assert "Go on" in [button.label for button in page.button]
