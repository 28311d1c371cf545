"""An experiment at work, shown live."""

from functools import partial

import streamlit as st

from pages.shared.job_progress import job_bar, seen_key, stop_button

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_experiment(name: str) -> None:
    """Show how far an experiment is until it ends; then run the whole page again."""
    from pages.shared.lab import get_lab
    from workbench import jobs

    folder, seen = get_lab().home.experiments / name, seen_key(name)
    job = jobs.read(folder)
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    job_bar(name, job, f"{name}: {job.message}")
    with st.container(horizontal=True):
        stop_button(
            "pause",
            folder,
            partial(jobs.pause, folder),
            "It can go on at any time, also after a restart. Answers are kept.",
        )
        stop_button(
            "cancel",
            folder,
            partial(jobs.cancel, folder),
            "Stops for good. The answers so far can be downloaded.",
        )
