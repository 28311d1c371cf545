"""How long until a person sees something: ``python -m benchmarks.startup``.

``--engine`` chooses who answers; by default what a new home folder has.
"""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.lab import open_lab
from workbench.settings import ENGINES, Settings

REPETITIONS = 5
_ROOT = Path(__file__).resolve().parent.parent
_CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_SAID_BY_THE_DOCUMENTS = "Nadja Orsolt"


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default=Settings().engine)
    engine = parser.parse_args().engine
    helps = [help_seconds() for _ in range(REPETITIONS)]
    figures = [figure("help_seconds", median(helps), "s", "lower", 0.5, runs=helps)]
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as indexed:
        for name, target in (("first_page_seconds", 3.0), ("first_answer_seconds", 5.0)):
            if chromium is None:
                why = "Chromium is not installed"
                figures.append(figure(name, None, "s", "lower", target, why=why))
            elif name == "first_page_seconds":
                runs = [first_page_seconds(chromium, Path(empty)) for _ in range(REPETITIONS)]
                figures.append(figure(name, median(runs), "s", "lower", target, runs=runs))
            else:
                add_sample(Path(indexed), engine)
                runs = [first_answer_seconds(chromium, Path(indexed)) for _ in range(REPETITIONS)]
                figures.append(figure(name, median(runs), "s", "lower", target, runs=runs))
    print_report("startup", figures)


def help_seconds() -> float:
    """Return the wall seconds of one ``ragtune --help``."""
    command = Path(sys.executable).with_name("ragtune")
    started = time.perf_counter()
    subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def first_page_seconds(chromium: str, home: Path) -> float:
    """Return the seconds from a fresh server's readiness to Home in a fresh browser."""
    with browser_page(chromium) as page, serving(home) as url:
        started = time.perf_counter()
        page.goto(url)
        page.get_by_role("button", name="Try the sample").wait_for(timeout=60_000)
        seconds = time.perf_counter() - started
    tell(f"first page after {seconds:.2f} s")
    return seconds


def add_sample(home: Path, engine: str) -> None:
    """Index the sample's documents, and let the engine make what it makes once."""
    lab = open_lab(home)
    lab.change_settings(Settings(engine=engine))
    sample.add_documents(lab, lambda _message, _share: None)
    lab.engine()
    lab.database.close()


def first_answer_seconds(chromium: str, home: Path) -> float:
    """Return the seconds from starting the server to a whole answer out of the documents.

    The question is asked in the browser as soon as the page takes one. The browser runs
    already: it is the person's, not ours. The base model answers beside it, as it does for
    everybody.
    """
    with browser_page(chromium) as page:
        started = time.perf_counter()
        with serving(home) as url:
            up = time.perf_counter() - started
            page.goto(f"{url}/ask")
            page.get_by_label("Question").fill(sample.QUESTION)
            page.get_by_role("button", name="Ask").click()
            asked = time.perf_counter() - started
            column = page.get_by_test_id("stColumn").filter(has=page.locator("h4")).nth(1)
            column.get_by_text("tokens read").wait_for(timeout=120_000)
            seconds = time.perf_counter() - started
            said = column.inner_text()
    if _SAID_BY_THE_DOCUMENTS not in said:
        raise ValueError(f"The answer should name {_SAID_BY_THE_DOCUMENTS}; it is: {said}")
    tell(f"server up {up:.2f} s, asked {asked:.2f} s, answer there {seconds:.2f} s")
    return seconds


@contextlib.contextmanager
def browser_page(chromium: str) -> Iterator[Any]:
    """Open a page in a fresh browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_CHROMIUM_FLAGS)
        try:
            yield browser.new_page()
        finally:
            browser.close()


@contextlib.contextmanager
def serving(home: Path) -> Iterator[str]:
    """Start a server, wait until it is up, and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--no-browser", "--port", str(port)],
        cwd=_ROOT,
        env={**os.environ, "RAGTUNE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_up(url)
        yield url
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=30)


def _wait_until_up(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


if __name__ == "__main__":
    main()
