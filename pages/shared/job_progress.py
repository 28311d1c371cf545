"""A job at work, shown live."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.shared.plain import plain
from workbench.durations import time_left

if TYPE_CHECKING:
    from workbench.jobs import JobState

_REFRESH_SECONDS = 1.0
_STOPS = {
    "pause": ("Pause", "Pausing …", ":material/pause_circle:"),
    "cancel": ("Cancel", "Cancelling …", ":material/stop_circle:"),
}
"""What a button says before and after it was pressed, by the file that asks a job for it."""


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


def stop_button(
    how: Literal["pause", "cancel"],
    folder: Path,
    stop: Callable[[], None],
    help: str,
    scope: Literal["app", "fragment"] = "fragment",
) -> None:
    """Offer to pause a job or to stop it for good, unless that was asked already.

    Args:
        how: which of the two.
        folder: the job's.
        stop: asks for it.
        help: what becomes of the job.
        scope: what is run again then.
    """
    label, at_it, icon = _STOPS[how]
    pausing, cancelling = ((folder / asked).exists() for asked in _STOPS)
    asked = cancelling if how == "cancel" else pausing
    if st.button(
        at_it if asked else label,
        key=f"{how}-{folder.name}",
        icon=icon,
        disabled=asked or cancelling,
        help=help,
    ):
        stop()
        st.rerun(scope=scope)
