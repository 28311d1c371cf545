"""Fine-tune: start a run, watch it, and see what waits for its turn."""

import streamlit as st

from comparison.check_examples import before_training
from comparison.start_training import estimate_training, start_training
from finetune_backend import queue
from finetune_backend.estimate import free_memory_gb
from finetune_backend.examples.check import check_training_set
from finetune_backend.presets import PRESETS, find_preset
from finetune_backend.runs import Run, list_runs
from finetune_backend.settings import TrainSettings, fit_to_data
from finetune_backend.start_run import check_trainable
from pages.shared import routes
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.run_progress import watch
from pages.shared.run_queue import watch_queue
from pages.shared.train_settings import train_settings
from pages.shared.trained_examples import trained_examples
from workbench.durations import duration
from workbench.errors import ExamplesError
from workbench.kept import free_name
from workbench.values import Example

lab = get_lab()
DEFAULTS = TrainSettings()

st.title("Fine-tune")
st.markdown(
    "Trains a LoRA adapter: small matrices beside the model's frozen weights. "
    "It runs in the background; you can close this tab, pause it, and let it go on later. "
    "Several run one after the other."
)


def new_run() -> None:
    """Offer to start a run, with sensible settings already chosen."""
    check_trainable(lab.checkpoint())
    examples = trained_examples()
    try:
        check_training_set(examples)
    except ExamplesError as error:
        st.info(plain(str(error)), icon=":material/dataset:")
        st.page_link(routes.EXAMPLES, label="Open Examples", icon=":material/dataset:")
        return
    facts = len({example.fact for example in examples})
    epochs = fit_to_data(DEFAULTS, examples).epochs
    with st.container(border=True):
        st.markdown(
            f"**{len(examples)} examples, {facts} facts**, on {plain(lab.settings.model)}. "
            f"By default each is seen {epochs} times."
        )
        name = st.text_input(
            "Name", placeholder=free_name(lab.home.runs, "adapter"), help="Optional.", max_chars=60
        )
        names = [preset.name for preset in PRESETS]
        chosen = st.segmented_control(
            "Preset", names, default=names[0], required=True, format_func=str.capitalize
        )
        preset = find_preset(chosen)
        st.caption(preset.meaning)
        with st.expander("Settings", icon=":material/tune:"):
            settings = TrainSettings(**train_settings(TrainSettings(**preset.settings)))
        for warning in before_training(lab, examples, settings):
            st.warning(plain(warning), icon=":material/info:")
        busy = queue.holder(lab.home) is not None
        label = "Put it in the queue" if busy else "Start the fine-tune"
        started = st.button(label, key="start", type="primary", icon=":material/play_arrow:")
        if not started:  # after the button, so that nobody waits for the estimate
            say_what_it_takes(examples, settings, busy)
    if started:
        with st.spinner("Starting …"):
            start_training(lab, examples, settings, name.strip() or None)
        st.rerun()


def say_what_it_takes(examples: list[Example], settings: TrainSettings, busy: bool) -> None:
    """Show the time and memory that a run with these settings will take."""
    with sentences(), st.spinner("Estimating time and memory …"):
        expected = estimate_training(lab, examples, settings)
        st.caption(
            f":material/timer: About {duration(expected.seconds)} on this machine · "
            f":material/memory: {expected.memory_gb:.1f} GB of memory, "
            f"{free_memory_gb():.1f} GB are free"
            + (" · tried beside what is running, so it may be faster" if busy else "")
        )


def holder() -> None:
    """Show what has the machine: a fine-tune, live, or the name of something else."""
    place = queue.holder(lab.home)
    if place is None:
        return
    st.subheader("Running now")
    if place.parent == lab.home.runs:
        st.session_state.watched = place.name
        watch(place.name)
    else:
        page = routes.EXPERIMENTS if place.parent.name == queue.TRAINED else routes.SWEEP
        st.markdown(f"The {plain(queue.title(place))}.")
        st.page_link(page, label=f"Open {page.title}", icon=page.icon)


def tell_ended(runs: list[Run], watched: str | None) -> None:
    """Say how the run ended that was watched here last, and lead to all of them."""
    for run in runs:
        if run.name == watched and run.state.ended:
            said = f"{plain(run.name)} is {run.state.state}."
            if run.complete:
                st.success(said, icon=":material/check_circle:")
            elif run.state.state in ("failed", "interrupted"):
                st.error(f"{said} {plain(run.state.message)}", icon=":material/error:")
            else:
                st.info(said, icon=":material/info:")
            st.session_state.runs_chosen = [run.name]
    if ended := sum(run.state.ended for run in runs):
        label = f"{ended} in Runs, with results, curves and notes"
        st.page_link(routes.RUNS, label=label, icon=routes.RUNS.icon)


with sentences():
    every = list_runs(lab.home)
    watched = st.session_state.get("watched")
    holder()
    tell_ended(every, watched)
    watch_queue()
    with sentences():
        new_run()
