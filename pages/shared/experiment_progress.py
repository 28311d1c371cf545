"""An experiment at work, shown live."""

import time

import streamlit as st

from pages.shared.plain import plain
from pages.shared.progress import time_left

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_experiment(name: str) -> None:
    """Show how far an experiment is until it ends; then run the whole page again."""
    from comparison.experiments.kept import experiments_folder
    from pages.shared.lab import get_lab
    from workbench import jobs

    folder, seen = experiments_folder(get_lab().home) / name, f"seen-{name}"
    job = jobs.read(folder)
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    now = time.monotonic()
    begun, before = st.session_state.setdefault(seen, (now, job.share))
    left = time_left(now - begun, job.share - before, 1 - job.share)
    said = plain(f"{name}: {job.message}" + (f", {left}" if left else ""))
    st.progress(job.share, text=f"{said}. You may close this tab.")
    pausing, cancelling = ((folder / asked).exists() for asked in ("pause", "cancel"))
    with st.container(horizontal=True):
        if st.button(
            "Pausing …" if pausing else "Pause",
            key=f"pause-{name}",
            icon=":material/pause_circle:",
            disabled=pausing or cancelling,
            help="It can go on at any time, also after a restart. Answers are kept.",
        ):
            jobs.pause(folder)
            st.rerun(scope="fragment")
        if st.button(
            "Cancelling …" if cancelling else "Cancel",
            key=f"cancel-{name}",
            icon=":material/stop_circle:",
            disabled=cancelling,
            help="Stops for good. The answers so far can be downloaded.",
        ):
            jobs.cancel(folder)
            st.rerun(scope="fragment")
