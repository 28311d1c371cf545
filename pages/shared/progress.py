"""Progress over a few seconds, with the time left."""

import time
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain

if TYPE_CHECKING:
    from rag_backend.documents import Progress

_HOUR = 3600
_SHOW_TIME_LEFT_AFTER_SECONDS = 2.0


def duration(seconds: float) -> str:
    """Say a duration as a person would: "45 s", "3 min 20 s", "2 h 15 min"."""
    whole = max(0, round(seconds))
    if whole < _HOUR:
        return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
    return f"{whole // _HOUR} h {whole % _HOUR // 60} min"


def time_left(passed: float, done: float, left: float) -> str:
    """Say how long the rest takes: "about 45 s left"; nothing before that can be told.

    Args:
        passed: seconds.
        done: the share done in them; the next is the share that is left.
        left: from 0 to 1.
    """
    if done <= 0 or passed <= _SHOW_TIME_LEFT_AFTER_SECONDS:
        return ""
    return f"about {duration(passed / done * left)} left"


def progress_bar(prefix: str = "") -> "Progress":
    """Draw a bar, and return the function that moves it."""
    bar, started = st.progress(0.0, text=f"{prefix}loading the embedding model …"), time.monotonic()

    def move(message: str, share: float) -> None:
        left = time_left(time.monotonic() - started, share, 1 - share)
        said = f"{prefix}{plain(message)}" + (f" – {left}" if left else "")
        bar.progress(min(1.0, share), text=said)

    return move
