"""The writing of examples, shown live."""

import time

import streamlit as st

from pages.shared.plain import plain
from pages.shared.progress import time_left

_REFRESH_SECONDS = 1.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_writing() -> None:
    """Show how far the writing is until it ends; then run the whole page again."""
    from comparison.write_examples import writing_folder, written
    from pages.shared.lab import get_lab
    from workbench import jobs

    home = get_lab().home
    folder = writing_folder(home)
    job, done = jobs.read(folder), written(home)
    if not job.active:
        st.session_state.pop("writing-seen", None)
        st.rerun(scope="app")
    share = done.paragraphs / done.of if done and done.of else 0.0
    now = time.monotonic()
    begun, before = st.session_state.setdefault("writing-seen", (now, share))
    left = time_left(now - begun, share - before, 1 - share)
    made = f", {done.examples} examples" if done else ""
    st.progress(share, text=plain(f"{job.message}{made}" + (f", {left}" if left else "")))
    asked = (folder / "cancel").exists()
    if st.button(
        "Stopping …" if asked else "Stop",
        icon=":material/stop_circle:",
        disabled=asked,
        help="Keeps what was written. Started again, it goes on from there.",
    ):
        jobs.cancel(folder)
        st.rerun(scope="fragment")
