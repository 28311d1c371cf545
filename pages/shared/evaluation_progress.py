"""An evaluation at work, shown live."""

import time

import streamlit as st

from pages.shared.plain import plain
from pages.shared.progress import time_left

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_evaluation(name: str) -> None:
    """Show how far an evaluation is until it ends; then run the whole page again."""
    from comparison.evaluation.kept import evaluations_folder, read_evaluation
    from comparison.evaluation.start import cancel_evaluation, pause_evaluation
    from pages.shared.lab import get_lab

    evaluation = read_evaluation(evaluations_folder(get_lab().home) / name)
    job, seen = evaluation.state, f"seen-{name}"
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    st.subheader(plain(name))
    now = time.monotonic()
    begun, before = st.session_state.setdefault(seen, (now, job.share))
    left = time_left(now - begun, job.share - before, 1 - job.share)
    said = job.message + (f", {left}" if left else "")
    st.progress(job.share, text=f"{plain(said)}. You may close this tab.")
    with st.container(horizontal=True):
        pausing, cancelling = (
            (evaluation.folder / asked).exists() for asked in ("pause", "cancel")
        )
        if st.button(
            "Pausing …" if pausing else "Pause",
            key=f"pause-{name}",
            icon=":material/pause_circle:",
            disabled=pausing or cancelling,
            help="It can go on at any time, also after a restart. What was found is shown.",
        ):
            pause_evaluation(evaluation)
            st.rerun()
        if st.button(
            "Cancelling …" if cancelling else "Cancel",
            key=f"cancel-{name}",
            icon=":material/stop_circle:",
            disabled=cancelling,
            help="Stops for good. The answers there are stay.",
        ):
            cancel_evaluation(evaluation)
            st.rerun()
