"""A job at work, shown live."""

import time
from pathlib import Path

import streamlit as st

from pages.shared.plain import plain
from pages.shared.progress import time_left

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_job(folder: Path, stopped: str) -> None:
    """Show how far a job is until it ends; then run the whole page again.

    Args:
        folder: the job's.
        stopped: what becomes of it when it is stopped, for the button's help.
    """
    from workbench import jobs

    job, seen = jobs.read(folder), f"seen-{folder.name}"
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    now = time.monotonic()
    begun, before = st.session_state.setdefault(seen, (now, job.share))
    left = time_left(now - begun, job.share - before, 1 - job.share)
    said = plain(job.message + (f", {left}" if left else ""))
    st.progress(job.share, text=f"{said}. You may close this tab.")
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
