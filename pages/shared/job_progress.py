"""A job at work, shown live."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.shared.plain import plain
from pages.shared.progress import time_left

if TYPE_CHECKING:
    from workbench.jobs import JobState

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_job(folder: Path, stopped: str) -> None:
    """Show how far a job is until it ends; then run the whole page again.

    Args:
        folder: the job's.
        stopped: what becomes of it when it is stopped, for the button's help.
    """
    from workbench import jobs

    job, seen = jobs.read(folder), seen_key(folder.name)
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    job_bar(folder.name, job, job.message)
    asked = (folder / "cancel").exists()
    if st.button(
        "Stopping …" if asked else "Stop",
        key=f"stop-{folder.name}",
        icon=":material/stop_circle:",
        disabled=asked,
        help=stopped,
    ):
        jobs.cancel(folder)
        st.rerun(scope="fragment")


def seen_key(name: str) -> str:
    """Name what the session remembers of a job that it watches."""
    return f"seen-{name}"


def job_bar(name: str, job: "JobState", said: str) -> None:
    """Draw how far a job is, with the time left by its speed since it was first seen here."""
    now, seen = time.monotonic(), seen_key(name)
    begun, before = st.session_state.get(seen, (now, 0.0))
    if not before:  # what goes on has done a share already, which says nothing of its speed
        begun, before = st.session_state[seen] = now, job.share
    left = time_left(now - begun, job.share - before, 1 - job.share)
    told = plain(said + (f", {left}" if left else ""))
    st.progress(job.share, text=f"{told}. You may close this tab.")


def pause_button(
    folder: Path,
    pause: Callable[[], None],
    help: str,
    scope: Literal["app", "fragment"] = "fragment",
) -> None:
    """Offer to pause a job, unless that was asked already."""
    pausing, cancelling = _asked(folder)
    if st.button(
        "Pausing …" if pausing else "Pause",
        key=f"pause-{folder.name}",
        icon=":material/pause_circle:",
        disabled=pausing or cancelling,
        help=help,
    ):
        pause()
        st.rerun(scope=scope)


def cancel_button(
    folder: Path,
    cancel: Callable[[], None],
    help: str,
    scope: Literal["app", "fragment"] = "fragment",
) -> None:
    """Offer to stop a job for good, unless that was asked already."""
    _, cancelling = _asked(folder)
    if st.button(
        "Cancelling …" if cancelling else "Cancel",
        key=f"cancel-{folder.name}",
        icon=":material/stop_circle:",
        disabled=cancelling,
        help=help,
    ):
        cancel()
        st.rerun(scope=scope)


def _asked(folder: Path) -> tuple[bool, bool]:
    """Return whether a job was asked to pause, and to stop for good."""
    return (folder / "pause").exists(), (folder / "cancel").exists()
