"""A running fine-tune, shown live."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.job_progress import stop_button
from pages.shared.plain import plain
from workbench.durations import duration

if TYPE_CHECKING:
    from finetune_backend.lora import Step
    from finetune_backend.runs import Run

REFRESH_SECONDS = 1.0
_SILENT_SECONDS = 30.0
_LABELS_PIXELS = 45
"""Left of each chart, so that steps stand below each other."""
_MEANINGS = {
    "Loss": "Cross-entropy per answer token of the examples, in nats: at the latest step while it "
    "trains, over the last pass once there is an adapter.",
    "Recall": "Share of the wordings held out of training that are answered word for word.",
    "Learning rate": "The step size: it rises at first and falls later.",
    "Memory": "The most that training has held so far; on a GPU, the GPU's.",
}


@st.fragment(run_every=REFRESH_SECONDS)
def watch(name: str) -> None:
    """Show a run's loss, speed and time left until it ends; then run the whole page again."""
    from finetune_backend.runs import cancel_run, pause_run, read_run, save_run
    from pages.shared.lab import get_lab

    run = read_run(get_lab().home.runs / name)
    if run.state.ended:
        st.rerun(scope="app")
    if run.state.queued:
        wait(run)
        return
    show(run)
    with st.container(horizontal=True):
        pausing, cancelling = ((run.folder / asked).exists() for asked in ("pause", "cancel"))
        stop_button(
            "pause",
            run.folder,
            partial(pause_run, run),
            "Saves its state and stops. It can go on at any time, also after a restart.",
        )
        if st.button(
            "Save now",
            key=f"save-{name}",
            icon=":material/save:",
            disabled=pausing or cancelling,
            help="It does so every half minute anyway; after a crash it goes on from there.",
        ):
            save_run(run)
        stop_button(
            "cancel",
            run.folder,
            partial(cancel_run, run),
            "Stops for good at the next step. Nothing else is lost.",
        )


def wait(run: "Run") -> None:
    """Say what a run waits for, and let it leave the queue."""
    from finetune_backend import queue
    from finetune_backend.runs import cancel_run

    queue.start_next(queue.home_of(run.folder))
    ahead = ", ".join(queue.title(one) for one in queue.before(run.folder))
    st.progress(0.0, text=plain(f"{run.name} waits for {ahead or 'its turn'}"))
    if st.button("Take it out of the queue", key=f"leave-{run.name}", icon=":material/close:"):
        cancel_run(run)
        st.rerun(scope="app")


def show(run: "Run") -> None:
    """Draw a run's figures and its loss curve."""
    from finetune_backend.steps import read_steps

    steps = read_steps(run.folder)
    if run.state.active and run.state.heartbeat_age_seconds > _SILENT_SECONDS:
        silent = duration(run.state.heartbeat_age_seconds)
        st.warning(f"No sign of life for {silent}. It may be stuck; you can cancel it.")
    if not steps:
        if run.state.active:
            st.progress(0.0, text=plain(f"{run.name}: {run.state.message} …"))
        return
    last = steps[-1]
    figures = {
        "Loss": f"{run.measures['loss'] if run.measures else last.loss:.3f}",
        "Examples/s": f"{last.examples_per_second:.1f}",
        "Time so far" if run.state.active else "Time": duration(last.seconds),
    }
    recalls = [step.recall for step in steps if step.recall is not None]
    if recalls:
        figures["Recall"] = f"{recalls[-1]:.0%}"
    if run.state.active:
        said = f"step {last.step} of {last.steps}, epoch {last.epoch}"
        if last.step == last.steps:
            said = run.state.message
        st.progress(last.step / last.steps, text=plain(f"{run.name}: {said}"))
        figures["Time left"] = duration(last.seconds_left)
        figures["Learning rate"] = f"{last.learning_rate:.1e}"
    if last.memory_gb is not None:
        figures["Memory"] = f"{last.memory_gb:.2f} GB"
    with st.container(horizontal=True):
        for label, value in figures.items():
            st.metric(label, value, help=_MEANINGS.get(label), width="content")
    curves(steps)
    if run.forgetting:
        forgetting(run)
    elif run.complete:
        st.caption(
            "What it forgot was not measured, as its adapter was made in a sweep. Run it again to "
            "have that measured."
        )


def curves(steps: "list[Step]") -> None:
    """Draw the loss of each step, and what each epoch recalled of the held-out wordings."""
    import altair as alt
    import pandas as pd

    across = alt.X("step:Q", title="Step", scale=alt.Scale(domain=[1, steps[-1].steps]))
    losses = pd.DataFrame(
        [(s.step, s.loss, "training") for s in steps]
        + [(s.step, s.validation_loss, "held out") for s in steps if s.validation_loss is not None],
        columns=["step", "loss", "of"],
    )
    loss = alt.Chart(losses).encode(
        x=across,
        y=alt.Y("loss:Q", title="Loss", axis=alt.Axis(minExtent=_LABELS_PIXELS)),
        color=alt.Color("of:N", title=None, legend=alt.Legend(orient="top-right")),
        tooltip=["step", "of", alt.Tooltip("loss:Q", format=".4f")],
    )
    # A line through one point can't be seen.
    few = "datum.of === 'held out'" if len(steps) > 2 else "true"
    dots = loss.transform_filter(few).mark_point(filled=True)
    charts = [(loss.mark_line(interpolate="monotone") + dots).properties(height=220)]
    recalled = pd.DataFrame(
        [(s.step, s.recall) for s in steps if s.recall is not None], columns=["step", "recall"]
    )
    if len(recalled) > 1:
        percent = alt.Axis(format="%", minExtent=_LABELS_PIXELS)
        charts.append(
            alt.Chart(recalled)
            .mark_line(point=True)
            .encode(
                x=across,
                y=alt.Y("recall:Q", title="Recall", scale=alt.Scale(domain=[0, 1]), axis=percent),
                tooltip=["step", alt.Tooltip("recall:Q", format=".0%")],
            )
            .properties(height=120)
        )
    for chart in charts:
        st.altair_chart(chart, width="stretch")


def forgetting(run: "Run") -> None:
    """Say what the fine-tune cost of what the model could do before."""
    import pandas as pd

    from finetune_backend.forgetting.probes import KINDS

    said = "; ".join(change.sentence() for change in run.forgetting)
    st.markdown(f"**Forgetting:** {plain(said)}.")
    with st.popover("What was measured", icon=":material/psychology:"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Probe": change.kind,
                    "Before": change.before,
                    "After": change.after,
                    "Change": change.change,
                    "±": change.margin,
                    "Unit": KINDS[change.kind].unit,
                    "Meaning": KINDS[change.kind].meaning,
                }
                for change in run.forgetting
            ),
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format="%.3f") for name in ("Before", "After")
            }
            | {name: st.column_config.NumberColumn(format="%.1f") for name in ("Change", "±")},
        )
