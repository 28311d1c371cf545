"""The server: Streamlit, told that app.py alone says which pages exist."""

import contextlib
import gc
import os
import threading
import time
import urllib.request
import webbrowser

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

from pages.shared.lab import get_lab

_POLL_SECONDS = 0.2
_QUESTION_WITHIN_SECONDS = 5.0
"""A question that somebody brings along has been answered by then."""
_BROWSER_WITHIN_SECONDS = 60.0


def _warm_up() -> None:
    """Load what answers need, so that somebody is there by the time a question is typed."""
    lab = get_lab()
    lab.warm_up()
    # Streamlit collects garbage after every run of a page, which takes a third of a second
    # where all these libraries are looked through each time.
    while lab.loading:
        gc.freeze()
        time.sleep(_POLL_SECONDS)
    gc.freeze()
    # Whoever came with a question has the processor for it.
    time.sleep(_QUESTION_WITHIN_SECONDS)
    import altair  # noqa: F401 # for the charts
    import pandas  # noqa: F401

    gc.collect()
    gc.freeze()


def _open_browser(url: str) -> None:
    """Open the app as soon as it answers."""
    until = time.monotonic() + _BROWSER_WITHIN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
            webbrowser.open(url)
            return
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    # Until app.py has run once, Streamlit takes a folder called pages for its older way of
    # making pages, and greets the first deep link with "Page not found".
    PagesManager.uses_pages_directory = False
    threading.Thread(target=_warm_up, daemon=True).start()
    if url := os.environ.pop("RAGTUNE_OPEN", ""):
        threading.Thread(target=_open_browser, args=(url,), daemon=True).start()
    main()
