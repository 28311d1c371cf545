"""Page Ask: its columns, what is said of the answers, and blind votes on them."""

import json
import shutil
from dataclasses import replace

import pytest

from comparison.columns import Column
from comparison.votes import ALL_BAD, BEST, list_votes
from pages.shared.lab import get_lab

QUESTION = "When does the workshop close?"


@pytest.fixture()
def page(app, handbook):
    """The page with two columns that can answer, Base and RAG."""
    get_lab().knowledge_base.add(handbook)
    app.switch_page("pages/comparing/ask.py").run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def ask(app):
    app.text_input(key="question").set_value(QUESTION)
    press(app, "Ask")


def switch(app, name):
    toggle = app.toggle(key=f"{name}-toggle")
    toggle.set_value(not toggle.value).run()
    assert not app.exception


def charts(app):
    return len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart"))


def headings(app):
    shown = [one.value.replace("\\", "") for one in app.markdown]
    return [one.split(" ", 1)[1].split(": ")[-1] for one in shown if one.startswith("####")]


def test_columns_are_chosen_and_stay_chosen(page):
    assert headings(page) == ["Base", "RAG", "Fine-tuned", "Hybrid"]
    page.multiselect(key="columns").set_value(["rag", "base"]).run()
    assert headings(page) == ["RAG", "Base"]
    page.switch_page("pages/start/home.py").run()
    page.switch_page("pages/comparing/ask.py").run()
    assert headings(page) == ["RAG", "Base"]
    page.switch_page("pages/start/home.py").run()
    kept = page.session_state["columns-kept"]
    page.session_state["columns-kept"] = [*kept, "finetuned · gone"]  # its adapter was deleted
    page.switch_page("pages/comparing/ask.py").run()
    assert headings(page) == ["RAG", "Base"] and not page.exception
    ask(page)
    assert words(page).count("tokens read") == 2
    page.multiselect(key="columns").set_value([]).run()
    assert "Choose at least one column" in words(page) and not page.exception
    ask(page)
    assert "Choose at least one column" in words(page)


def test_times_conditions_and_claims_are_shown(page):
    assert charts(page) == 0
    ask(page)
    assert charts(page) == 1
    said = words(page)
    assert "Equal conditions" in said and "read: until the first token came" in said
    assert "Checked afterwards: your documents support 0 of" in said
    assert "the documents don’t say so" in said
    assert "blue-background" not in said
    said = {"base": "Around noon.", "rag": "At noon."}
    page.session_state["answers"] = {
        column: replace(answer, text=said[column.method])
        for column, answer in page.session_state["answers"].items()
    }
    switch(page, "marked")
    assert ":blue-background[Around] noon" in words(page)
    assert words(page).count("Checked afterwards") == 1


def test_the_trace_has_the_question_as_typed_and_the_time_of_each_step(page):
    ask(page)
    page.text_input(key="question").set_value("And when does it open?")
    press(page, "Ask")
    page.button(key="trace-rag").click().run()
    assert not page.exception
    said = words(page)
    assert "**Asked:** And when does it open?" in said
    assert f"**Searched and asked as:** {QUESTION} And when does it open? (a follow-up;" in said
    assert "The search: question embedded " in said and " · by words " in said


def test_what_was_checked_afterwards_opens_in_its_document(page):
    ask(page)
    column = Column("base")
    said = replace(page.session_state["answers"][column], text="The workshop closes at 17:20.")
    page.session_state["answers"] = page.session_state["answers"] | {column: said}
    page.session_state["claims"] = {}
    page.run()
    assert "Checked afterwards: your documents support 1 of 1" in words(page)
    page.button(key=f"claim-{column.label}-0").click().run()
    assert not page.exception and not page.error and "Characters " in words(page)


def test_another_model_stands_beside_and_is_named_as_confounding(page, tiny_model, tmp_path):
    other = tmp_path / "other-model"
    shutil.copytree(tiny_model, other)
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps({**config, "rope_theta": 9.0}), encoding="utf-8")
    label = "Another model beside it"
    next(one for one in page.text_input if one.label == label).set_value("no-such-model")
    press(page, "Offer it")
    assert "There is no model" in words(page)
    next(one for one in page.text_input if one.label == label).set_value(str(other))
    press(page, "Offer it")
    assert "Offered: Base and RAG with" in words(page)
    page.multiselect(key="columns").set_value(["base", f"base · {other}"]).run()
    ask(page)
    assert "Confounded – checkpoint: " in words(page) and "Equal conditions" not in words(page)


def test_blind_hides_the_names_until_the_vote(page):
    switch(page, "blind")
    assert "Ask something" in words(page) and "Left out" in words(page)
    ask(page)
    said = words(page)
    assert headings(page) == ["A", "B"]
    for tell in ("Base", "RAG", "tokens read", "sources found", "Equal conditions"):
        assert tell not in said, tell
    assert charts(page) == 0 and not page.expander
    press(page, "B is better")
    (vote,) = list_votes(get_lab().database)
    assert (vote.said, vote.place, vote.round.question) == (BEST, 1, QUESTION)
    assert set(vote.round.order) == {Column("base"), Column("rag")}
    assert headings(page) == [column.title for column in vote.round.order]
    assert f"Kept: {vote.winner.title} is the best" in words(page)
    assert words(page).count("tokens read") == 2 and charts(page) == 1
    assert not [button for button in page.button if button.label.endswith(("better", "good"))]
    assert "Votes (1)" in [one.label for one in page.expander]
    press(page, "Delete the last vote")
    assert list_votes(get_lab().database) == [] and "The vote was deleted" in words(page)


def test_all_can_be_bad_and_the_next_question_is_a_new_round(page):
    switch(page, "blind")
    ask(page)
    press(page, "Both bad")
    ask(page)
    assert headings(page) == ["A", "B"]
    press(page, "A is better")
    said = [vote.said for vote in list_votes(get_lab().database)]
    assert said == [ALL_BAD, BEST]
    assert "0 found all good and 1 all bad" in words(page)


def test_whoever_looks_at_the_names_can_not_vote_any_more(page):
    switch(page, "blind")
    ask(page)
    switch(page, "blind")
    assert headings(page)[:2] == ["Base", "RAG"] and words(page).count("tokens read") == 2
    switch(page, "blind")
    assert "these came with their names" in words(page)
    assert not [button for button in page.button if button.label.endswith("better")]


def test_one_column_alone_can_not_be_voted_on(page):
    page.multiselect(key="columns").set_value(["rag", "hybrid"]).run()
    switch(page, "blind")
    ask(page)
    assert "two columns that can answer" in words(page)
    assert list_votes(get_lab().database) == []


def test_an_unusable_question_leaves_nothing_behind(page):
    switch(page, "blind")
    press(page, "Ask")
    assert "question is empty" in page.error[0].value
    assert "Getting ready" not in words(page)
    assert "Stop" not in [button.label for button in page.button]
