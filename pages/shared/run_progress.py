"""A running fine-tune, shown live."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from pages.shared.progress import duration

if TYPE_CHECKING:
    from finetune_backend.runs import Run

REFRESH_SECONDS = 1.0
_SILENT_SECONDS = 30.0
_MEANINGS = {"Loss": "Cross-entropy per answer token at the latest step, in nats."}


@st.fragment(run_every=REFRESH_SECONDS)
def watch(name: str) -> None:
    """Show a run's loss, speed and time left until it ends; then run the whole page again."""
    from finetune_backend.runs import cancel_run, read_run
    from pages.shared.lab import get_lab

    run = read_run(get_lab().home.runs / name)
    if not run.state.active:
        st.rerun(scope="app")
    show(run)
    asked = (run.folder / "cancel").exists()
    if st.button(
        "Cancelling …" if asked else "Cancel",
        key=f"cancel-{name}",
        icon=":material/stop_circle:",
        disabled=asked,
        help="Stops at the next step. Nothing else is lost.",
    ):
        cancel_run(run)
        st.rerun(scope="fragment")


def show(run: "Run") -> None:
    """Draw a run's figures and its loss curve."""
    import altair as alt
    import pandas as pd

    from finetune_backend.runs import read_steps

    steps = read_steps(run)
    if run.state.active and run.state.heartbeat_age_seconds > _SILENT_SECONDS:
        silent = duration(run.state.heartbeat_age_seconds)
        st.warning(f"No sign of life for {silent}. It may be stuck; you can cancel it.")
    if not steps:
        if run.state.active:
            st.progress(0.0, text=plain(f"{run.name}: {run.state.message} …"))
        return
    last = steps[-1]
    figures = {
        "Loss": f"{last.loss:.3f}",
        "Examples/s": f"{last.examples_per_second:.1f}",
        "Time so far" if run.state.active else "Time": duration(last.seconds),
    }
    if run.state.active:
        st.progress(
            last.step / last.steps,
            text=plain(f"{run.name}: step {last.step} of {last.steps}, epoch {last.epoch}"),
        )
        figures["Time left"] = duration(last.seconds_left)
    for column, (label, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(label, value, help=_MEANINGS.get(label))
    curve = pd.DataFrame({"step": [s.step for s in steps], "loss": [s.loss for s in steps]})
    st.altair_chart(
        alt.Chart(curve)
        .mark_line(interpolate="monotone", point=len(steps) < 3)
        .encode(
            x=alt.X("step:Q", title="Step", scale=alt.Scale(domain=[1, last.steps])),
            y=alt.Y("loss:Q", title="Loss"),
            tooltip=["step", alt.Tooltip("loss:Q", format=".4f")],
        )
        .properties(height=200),
        width="stretch",
    )
