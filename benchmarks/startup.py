"""How long until a person sees something: ``python -m benchmarks.startup``."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

from benchmarks.report import figure, print_report, tell

REPETITIONS = 5
_ROOT = Path(__file__).resolve().parent.parent
_CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Measure, and print the report."""
    helps = [help_seconds() for _ in range(REPETITIONS)]
    figures = [figure("help_seconds", median(helps), "s", "lower", 0.5, runs=helps)]
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        why = "Chromium is not installed"
        figures.append(figure("first_page_seconds", None, "s", "lower", 3.0, why=why))
    else:
        pages = [first_page_seconds(chromium) for _ in range(REPETITIONS)]
        figures.append(figure("first_page_seconds", median(pages), "s", "lower", 3.0, runs=pages))
    print_report("startup", figures)


def help_seconds() -> float:
    """Return the wall seconds of one ``ragtune --help``."""
    command = Path(sys.executable).with_name("ragtune")
    started = time.perf_counter()
    subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def first_page_seconds(chromium: str) -> float:
    """Return the seconds from a fresh server's readiness to Home in a fresh browser."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_CHROMIUM_FLAGS)
        page = browser.new_page()
        server = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "--no-browser", "--port", str(port)],
            cwd=_ROOT,
            env={**os.environ, "RAGTUNE_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_until_up(url)
            started = time.perf_counter()
            page.goto(url)
            page.get_by_role("button", name="Try the sample").wait_for(timeout=60_000)
            seconds = time.perf_counter() - started
        finally:
            os.killpg(server.pid, 15)
            server.wait(timeout=30)
            browser.close()
    tell(f"first page after {seconds:.2f} s")
    return seconds


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
