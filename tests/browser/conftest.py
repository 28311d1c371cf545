"""The real app in a real browser: a server in a home of its own, and Debian's Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.jobs import cancel

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@dataclass
class App:
    """A running server."""

    url: str
    home: Path
    pid: int


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a slow machine that does something else, too
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture()
def page(browser):
    """A page that fails the test when the app shows a traceback or reaches for the network."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    foreign = []
    context.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
            else None
        ),
    )
    yield context.new_page()
    tracebacks = [tab.get_by_test_id("stException").count() for tab in context.pages]
    context.close()
    assert (sum(tracebacks), foreign) == (0, [])


@pytest.fixture()
def serve(tmp_path, monkeypatch):
    """Return a function that starts `ragtune serve` and returns an `App`."""
    servers = []

    def start(model=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        home = tmp_path / "home"
        environment = {**os.environ, "RAGTUNE_HOME": str(home)}
        if model is not None:
            environment["RAGTUNE_MODEL"] = str(model)
            environment["RAGTUNE_ENGINE"] = "transformers"  # nothing is converted meanwhile
        log = (tmp_path / "server.log").open("wb")
        server = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "--no-browser", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        servers.append((server, log))
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
                return App(url, home, server.pid)
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)

    yield start
    for server, log in servers:
        os.killpg(server.pid, 15)
        server.wait(timeout=30)
        log.close()
        # A fine-tune outlives its server, and a test that failed half-way left it at work.
        for run in (tmp_path / "home" / "runs").glob("*"):
            cancel(run)
        print(Path(log.name).read_text(errors="replace"))  # shown where a test fails
