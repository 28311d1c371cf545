"""Sweep: search for settings that learn best, and make a fine-tune of the best trial."""

import dataclasses

import streamlit as st

from comparison.check_examples import before_training
from comparison.start_training import search_cost, start_search
from finetune_backend.examples.check import check_training_set
from finetune_backend.settings import TrainSettings, fit_to_data
from finetune_backend.start_run import check_trainable
from finetune_backend.sweep.promote import promote, run_name
from finetune_backend.sweep.space import SEARCHED, Range, default_space
from finetune_backend.sweep.sweeps import (
    TRIALS,
    Budget,
    Sweep,
    delete_sweep,
    list_sweeps,
    resume_sweep,
)
from pages.shared import routes
from pages.shared.delete import delete_popover
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.range_input import range_input
from pages.shared.sweep_progress import watch_sweep
from pages.shared.sweep_trials import summary, trials
from pages.shared.train_settings import train_settings
from pages.shared.trained_examples import trained_examples
from workbench.durations import duration
from workbench.errors import ExamplesError
from workbench.kept import free_name
from workbench.values import Example

lab = get_lab()
state = st.session_state
FIELDS = {field.name: field for field in dataclasses.fields(TrainSettings)}

st.title("Sweep")
st.markdown(
    "Tries settings in short fine-tunes, one after the other, and finds those that recall most of "
    "the wordings that were held out. Trials that fall behind the others are stopped early."
)


def new_sweep() -> None:
    """Offer to start a sweep, and say what it will cost."""
    check_trainable(lab.checkpoint())
    examples = trained_examples()
    try:
        check_training_set(examples)
    except ExamplesError as error:
        st.info(plain(str(error)), icon=":material/dataset:")
        st.page_link(routes.EXAMPLES, label="Open Examples", icon=":material/dataset:")
        return
    facts = len({example.fact for example in examples})
    with st.container(border=True):
        st.markdown(f"**{len(examples)} examples, {facts} facts**, on {plain(lab.settings.model)}.")
        settings, space = what_to_search(fit_to_data(TrainSettings(), examples))
        left, right = st.columns(2)
        count = left.number_input("Trials", 1, 1000, TRIALS, help="At most.")
        minutes = right.number_input(
            "Minutes", 0.0, 100_000.0, 0.0, step=10.0, help="Of training, at most; 0: no limit."
        )
        name = st.text_input(
            "Name", placeholder=free_name(lab.home.sweeps, "sweep"), help="Optional.", max_chars=60
        )
        budget = Budget(int(count), minutes or None)
        for warning in before_training(lab, examples, settings):
            st.warning(plain(warning), icon=":material/info:")
        started = st.button("Start the sweep", type="primary", icon=":material/play_arrow:")
        if not started:  # after the button, so that nobody waits for the estimate
            say_what_it_costs(examples, settings, space, budget)
    if started:
        with st.spinner("Starting …"):
            start_search(lab, examples, settings, space, budget, name.strip() or None)
        st.rerun()


def what_to_search(settings: TrainSettings) -> tuple[TrainSettings, dict[str, Range]]:
    """Draw an input for each range, and for what is fixed."""
    usual, space, fixed = default_space(settings), {}, {}
    for name in SEARCHED:
        chosen = range_input(FIELDS[name], usual[name], getattr(settings, name))
        if isinstance(chosen, Range):
            space[name] = chosen
        else:
            fixed[name] = chosen
    with st.expander("What is not searched", icon=":material/tune:"):
        fixed |= train_settings(settings, without=SEARCHED)
        st.caption("Alpha keeps its proportion to the rank.")
    return dataclasses.replace(settings, **fixed), space


def say_what_it_costs(
    examples: list[Example], settings: TrainSettings, space: dict[str, Range], budget: Budget
) -> None:
    """Show what the sweep will take at most."""
    with sentences(), st.spinner("Estimating time and memory …"):
        expected = search_cost(lab, examples, settings, space, budget)
        st.caption(
            f":material/timer: At most {duration(expected.seconds)} of training on this machine; "
            "trials that are stopped early take less · "
            f":material/memory: {expected.memory_gb:.1f} GB of memory"
        )


def promoting(sweep: Sweep) -> None:
    """Offer to make a fine-tune of the best trial, or lead to the one that was made."""
    if sweep.best is None:
        return
    name = run_name(sweep, sweep.best)
    if (lab.home.runs / name).exists():
        state.runs_chosen = [name]
        st.page_link(routes.RUNS, label=f"Its best trial is {plain(name)}", icon=routes.RUNS.icon)
    elif st.button(
        "Make the best trial a fine-tune",
        type="primary",
        icon=":material/upgrade:",
        help="Its adapter is there already, so that this costs nothing. What it forgot is measured "
        "only where it is run again.",
    ):
        promote(lab.home, sweep)
        state.runs_chosen = [name]
        st.switch_page(routes.RUNS)


def ended(sweeps: list[Sweep]) -> None:
    """Show one of the sweeps that have ended, the newest by default."""
    names = [sweep.name for sweep in sweeps]
    name = st.selectbox("Sweep", names) if len(names) > 1 else names[0]
    sweep = sweeps[names.index(name)]
    st.subheader(f"{plain(sweep.name)} – {sweep.state.state}")
    if sweep.state.state in ("failed", "interrupted"):
        st.error(plain(sweep.state.message), icon=":material/error:")
    summary(sweep)
    with st.container(horizontal=True):
        promoting(sweep)
        if sweep.can_go_on and st.button("Go on", icon=":material/play_arrow:"):
            resume_sweep(lab.home, sweep)
            st.rerun()
        delete_popover(
            "The trials can't be brought back. Fine-tunes made from them stay.",
            lambda: delete_sweep(sweep),
        )
    trials(sweep)


with sentences():
    sweeps = list_sweeps(lab.home)
    for sweep in sweeps:
        if not sweep.state.ended:
            watch_sweep(sweep.name)
    with sentences():
        new_sweep()
    if past := [sweep for sweep in sweeps if sweep.state.ended]:
        ended(past)
