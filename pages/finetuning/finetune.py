"""Fine-tune: start a run, watch it, cancel it, and keep or delete what it made."""

import dataclasses

import streamlit as st

from finetune_backend.estimate import estimate_run, free_memory_gb
from finetune_backend.examples.check import check_training_set
from finetune_backend.examples.store import list_examples
from finetune_backend.runs import check_trainable, delete_run, list_runs, resume_run, start_run
from finetune_backend.settings import TrainSettings, fit_to_data
from pages.shared import routes
from pages.shared.adapter_files import adapter_files, import_file
from pages.shared.lab import get_lab, sentences
from pages.shared.option_input import option_input
from pages.shared.plain import plain
from pages.shared.progress import duration
from pages.shared.run_progress import show, watch
from workbench.errors import ExamplesError
from workbench.values import Example

lab = get_lab()
DEFAULTS = TrainSettings()

st.title("Fine-tune")
st.markdown(
    "Trains a LoRA adapter: small matrices beside the model's frozen weights. "
    "It runs in the background; you can close this tab, pause it, and let it go on later."
)


def new_run() -> None:
    """Offer to start a run, with sensible settings already chosen."""
    check_trainable(lab.checkpoint())
    examples = list_examples(lab.database)
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
        name = st.text_input("Name", placeholder="adapter-1", help="Optional.", max_chars=60)
        with st.expander("Settings", icon=":material/tune:"):
            columns = st.columns(2)
            values = {
                field.name: option_input(field, field.default, columns[number % 2])
                for number, field in enumerate(dataclasses.fields(TrainSettings))
            }
        settings = TrainSettings(**values)
        started = st.button("Start the fine-tune", type="primary", icon=":material/play_arrow:")
        if not started:  # after the button, so that nobody waits for the estimate
            say_what_it_takes(examples, settings)
    if started:
        with st.spinner("Starting …"):
            start_run(
                lab.home,
                examples,
                settings,
                lab.checkpoint(),
                lab.settings.system_prompt,
                name.strip() or None,
            )
        st.rerun()


def say_what_it_takes(examples: list[Example], settings: TrainSettings) -> None:
    """Show the time and memory that a run with these settings will take."""
    with sentences(), st.spinner("Estimating time and memory …"):
        expected = estimate_run(
            lab.checkpoint(),
            tuple(examples),
            fit_to_data(settings, examples),
            lab.settings.system_prompt,
        )
        st.caption(
            f":material/timer: About {duration(expected.seconds)} on this machine · "
            f":material/memory: {expected.memory_gb:.1f} GB of memory, "
            f"{free_memory_gb():.1f} GB are free"
        )


def list_finished() -> None:
    """List the runs that have ended, newest first."""
    every = list_runs(lab.home)
    runs = [run for run in every if not run.state.active]
    busy = len(runs) < len(every)
    if runs:
        st.subheader("Runs")
    icons = {
        "done": ":material/check_circle:",
        "cancelled": ":material/cancel:",
        "paused": ":material/pause_circle:",
    }
    for run in runs:
        label = f"{plain(run.name)} – {run.state.state}"
        if run.measures:
            label += f", loss {run.measures['loss']:.3f}, {duration(run.measures['seconds'])}"
        with st.expander(label, icon=icons.get(run.state.state, ":material/error:")):
            if run.state.state not in icons:
                st.error(plain(run.state.message))
            st.markdown(
                f"{run.examples} examples, {run.facts} facts, on {plain(run.checkpoint)} · "
                f"rank {run.settings.rank}, learning rate {run.settings.learning_rate:g}, "
                f"{run.settings.epochs} epochs, batch size {run.settings.batch_size}"
            )
            show(run)
            adapter_files(run)
            if run.can_go_on and st.button(
                "Go on",
                key=f"resume-{run.name}",
                icon=":material/play_arrow:",
                disabled=busy,
                help="From what it saved last, as if it had never stopped.",
            ):
                resume_run(lab.home, run)
                st.rerun()
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown("The adapter can't be brought back.")
                if st.button("Delete for good", key=f"delete-{run.name}"):
                    delete_run(run)
                    st.rerun()
    import_file()


with sentences():
    active = next((run for run in list_runs(lab.home) if run.state.active), None)
    if active is not None:
        st.subheader("Running now")
        watch(active.name)
    else:
        with sentences():
            new_run()
    list_finished()
