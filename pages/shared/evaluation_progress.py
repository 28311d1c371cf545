"""An evaluation at work, shown live."""

from functools import partial

import streamlit as st

from pages.shared.job_progress import job_bar, seen_key, stop_button
from pages.shared.plain import plain

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_evaluation(name: str) -> None:
    """Show how far an evaluation is until it ends; then run the whole page again."""
    from comparison.evaluation.kept import evaluations_folder, read_evaluation
    from comparison.evaluation.start import cancel_evaluation, pause_evaluation
    from pages.shared.lab import get_lab

    evaluation = read_evaluation(evaluations_folder(get_lab().home) / name)
    job, seen = evaluation.state, seen_key(name)
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    st.subheader(plain(name))
    job_bar(name, job, job.message)
    with st.container(horizontal=True):
        stop_button(
            "pause",
            evaluation.folder,
            partial(pause_evaluation, evaluation),
            "It can go on at any time, also after a restart. What was found is shown.",
            scope="app",
        )
        stop_button(
            "cancel",
            evaluation.folder,
            partial(cancel_evaluation, evaluation),
            "Stops for good. The answers there are stay.",
            scope="app",
        )
