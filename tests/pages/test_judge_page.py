"""Page Evaluate's judge: greyed out until it agrees with the votes, then at work and shown."""

import shutil

import pytest
from answering_judges import RuleJudge, longest, measure, twenty_votes

from comparison.judge.process import work
from pages.shared.lab import get_lab
from workbench import jobs


@pytest.fixture()
def home(tmp_path, evaluated_home):
    """A home with an evaluation, before the app opens it."""
    shutil.copytree(evaluated_home, tmp_path / "home")


@pytest.fixture()
def page(home, app, monkeypatch):
    """Page Evaluate with a judge on a server, and what a job does done in this process."""
    from openai_server import OpenAIServer

    server = OpenAIServer(RuleJudge(longest), {"judge": None})
    monkeypatch.setenv("RAGTUNE_SERVER", server.url)
    monkeypatch.setenv("RAGTUNE_MODEL", "judge")
    monkeypatch.setattr(jobs, "start", lambda folder, module: work(folder))
    yield at(app)
    server.close()


def at(app):
    app.switch_page("pages/comparing/evaluate.py").run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def buttons(app):
    return {one.label: one for one in app.button}


def test_it_is_greyed_out_with_the_reason_until_it_agrees(page):
    said = "The judge judge has judged 0 of 0 blind votes; 20 are needed"
    assert said in words(page) and buttons(page)["Judge votes (0)"].disabled
    (greyed,) = (one for label, one in buttons(page).items() if "pairs of answers" in label)
    assert greyed.disabled and said in greyed.help.replace("\\", "")

    twenty_votes(get_lab())
    buttons(at(page))["Judge votes (20)"].click().run()
    assert not page.exception
    assert "agrees with 20 votes at κ 1.00" in words(page)
    assert buttons(page)["Judge votes (0)"].disabled
    (ready,) = (one for label, one in buttons(page).items() if "pairs of answers" in label)
    assert not ready.disabled
    ready.click().run()
    assert not page.exception and buttons(page)["Judge pairs of answers (0)"].disabled
    assert "A model's opinion, not a measurement. The judge judge agrees" in words(page)
    assert "Opinion as CSV" in [one.proto.label for one in page.get("download_button")]


def test_what_stopped_it_is_said(page):
    twenty_votes(get_lab())
    measure(get_lab())
    server = get_lab().settings.server
    (folder,) = (get_lab().home.folder / "judge").iterdir()
    jobs.Job(folder)._save("failed", f"The judge stopped: {server} can't be reached.")
    assert "The judge stopped: http" in words(at(page))
