"""A sweep at work, shown live."""

from functools import partial

import streamlit as st

from pages.shared.job_progress import stop_button
from pages.shared.plain import plain
from workbench.durations import duration

_REFRESH_SECONDS = 2.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_sweep(name: str) -> None:
    """Show a sweep's trials until it ends; then run the whole page again."""
    from finetune_backend import queue
    from finetune_backend.sweep.sweeps import cancel_sweep, pause_sweep, read_sweep
    from pages.shared.lab import get_lab
    from pages.shared.sweep_trials import summary, trials

    home = get_lab().home
    queue.start_next(home)
    sweep = read_sweep(home.sweeps / name)
    if sweep.state.ended:
        st.rerun(scope="app")
    st.subheader(plain(name))
    if sweep.state.queued:
        ahead = ", ".join(queue.title(one) for one in queue.before(sweep.folder))
        st.progress(0.0, text=plain(f"Waits for {ahead or 'its turn'}"))
    else:
        left = sweep.estimate.seconds * (1 - sweep.state.share)
        said = f"{sweep.state.message}, at most about {duration(left)} left"
        st.progress(sweep.state.share, text=f"{plain(said)}. You may close this tab.")
    with st.container(horizontal=True):
        if sweep.state.active:
            stop_button(
                "pause",
                sweep.folder,
                partial(pause_sweep, sweep),
                "It can go on at any time, in the middle of a trial, also after a restart.",
                scope="app",
            )
        stop_button(
            "cancel",
            sweep.folder,
            partial(cancel_sweep, sweep),
            "Stops for good. Trials that came to their end are kept and can be promoted.",
            scope="app",
        )
    summary(sweep)
    trials(sweep)
