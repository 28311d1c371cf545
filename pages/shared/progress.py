"""Progress over a few seconds, with the time left."""

import time
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from workbench.durations import time_left

if TYPE_CHECKING:
    from rag_backend.documents import Progress


def progress_bar(prefix: str = "") -> "Progress":
    """Draw a bar, and return the function that moves it."""
    bar, started = st.progress(0.0, text=f"{prefix}loading the embedding model …"), time.monotonic()

    def move(message: str, share: float) -> None:
        left = time_left(time.monotonic() - started, share, 1 - share)
        said = f"{prefix}{plain(message)}" + (f" – {left}" if left else "")
        bar.progress(min(1.0, share), text=said)

    return move
