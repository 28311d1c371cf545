"""Several people at once, and one who leaves."""

import time

import psutil
from playwright.sync_api import expect

from workbench.home import open_home
from workbench.settings import Settings, save_settings


def ask(page, url):
    page.goto(f"{url}/ask")
    page.get_by_label("Question").fill("Who paints the kites?")
    page.get_by_role("button", name="Ask").click()


def share_of_a_core(pid):
    """Return how much of one core the server uses for half a second."""
    server = psutil.Process(pid)
    server.cpu_percent()
    time.sleep(0.5)
    return server.cpu_percent() / 100


def test_a_closed_tab_frees_the_engine_for_the_next_person(serve, page, tiny_model, tmp_path):
    save_settings(open_home(tmp_path / "home"), Settings(max_new_tokens=1900))
    app = serve(tiny_model)
    ask(page, app.url)
    expect(page.get_by_text("tokens read")).to_be_visible(timeout=120_000)

    leaving, waiting = page.context.new_page(), page.context.new_page()
    ask(leaving, app.url)
    expect(leaving.get_by_role("button", name="Stop")).to_be_visible()
    expect(leaving.get_by_text("▌")).to_be_visible()
    ask(waiting, app.url)
    expect(waiting.get_by_text("Next in line")).to_be_visible()
    leaving.close()
    expect(waiting.get_by_text("▌")).to_be_visible(timeout=2_000)
    assert share_of_a_core(app.pid) > 0.5
    waiting.close()
    time.sleep(1)
    assert share_of_a_core(app.pid) < 0.3
