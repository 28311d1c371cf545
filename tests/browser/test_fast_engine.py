"""The fast engine is made ready in the background, while another one answers."""

import re
import shutil
import time

import pytest
from playwright.sync_api import expect

from comparison.lab import open_lab
from workbench import jobs
from workbench.hardware import best_device
from workbench.language_models.bundled import provision
from workbench.settings import DEFAULT_MODEL, Settings, save_settings


@pytest.fixture()
def nothing_prepared(tmp_path, monkeypatch):
    """Let the server find the default model unpacked, and nothing made for the fast engine."""
    if best_device() != "cpu":
        pytest.skip("with a GPU no other engine is faster, so none is made ready")
    models = tmp_path / "models"
    models.mkdir()
    (models / DEFAULT_MODEL).symlink_to(provision())
    monkeypatch.setenv("RAGTUNE_MODELS", str(models))
    yield
    for state in models.glob("int8/*/state.json"):  # it outlives the server
        jobs.cancel(state.parent)
        while jobs.read(state.parent).active:
            time.sleep(0.1)
    shutil.rmtree(models)  # 250 MB; the unpacked model is only a link here


def ask(page, url):
    page.goto(f"{url}/ask")
    page.get_by_label("Question").fill("When does the workshop close?")
    page.get_by_role("button", name="Ask").click()


def test_transformers_answers_until_int8_is_ready(
    nothing_prepared, serve, page, handbook, tmp_path
):
    lab = open_lab(tmp_path / "home")
    save_settings(lab.home, Settings(max_new_tokens=16))
    # With a document there are two answers, and the page says what made them.
    lab.knowledge_base.add(handbook, handbook.name)
    lab.database.close()
    app = serve()

    ask(page, app.url)
    expect(page.get_by_text("on the engine transformers")).to_be_visible(timeout=60_000)

    page.goto(f"{app.url}/settings")
    expect(page.get_by_text("transformers answers in")).to_be_visible()
    expect(page.get_by_text(re.compile(r"it is being made ready: .+ \d+%"))).to_be_visible()
    # The page is not loaded again: it follows the work by itself.
    expect(page.get_by_text("the next question loads int8")).to_be_visible(timeout=600_000)

    ask(page, app.url)
    expect(page.get_by_text("on the engine int8")).to_be_visible(timeout=60_000)
    page.goto(f"{app.url}/settings")
    expect(page.get_by_text("int8 answers, up to")).to_be_visible()
