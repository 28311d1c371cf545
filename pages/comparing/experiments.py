"""Experiments: one question about the methods each, answered on the person's own documents."""

import dataclasses
from typing import Any

import streamlit as st

from comparison.ask import METHODS
from comparison.exams.kept import exam_files
from comparison.exams.received import receive
from comparison.experiments.experiment import Experiment
from comparison.experiments.kept import (
    ExamFile,
    Kept,
    delete_experiment,
    list_kept,
    read_exam_file,
    resume_experiment,
    start_experiment,
)
from comparison.experiments.listed import experiments
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import list_examples
from pages.shared import routes
from pages.shared.delete import delete_popover
from pages.shared.exam_import import EXAM_TYPES, row_tables, show_tables
from pages.shared.experiment_progress import watch_experiment
from pages.shared.experiment_result import draw_answers, draw_result
from pages.shared.lab import get_lab, sentences
from pages.shared.option_input import option_input
from pages.shared.plain import plain
from workbench.errors import RagtuneError

lab = get_lab()
state = st.session_state

st.title("Experiments")
st.markdown(
    "Each answers one question about the methods on your documents, with a figure and a sentence "
    "that states the finding. Where documents are changed, copies of them are."
)


def exam_input() -> ExamFile:
    """Draw the choice of an exam: one that is kept, or a file."""
    kept = exam_files(lab.home)
    name = st.selectbox(
        "Exam", list(kept), help="Questions about your documents, with their answers."
    )
    with st.popover("Use another file", icon=":material/upload_file:"):
        file = st.file_uploader("CSV with the columns question and answers, or JSONL", EXAM_TYPES)
    exam = read_exam_file(kept[name]) if file is None else ExamFile(file.name, file.getvalue())
    with sentences():
        show_tables(row_tables(receive(exam.data, exam.name)))
    return exam


def adapter_input() -> str | None:
    """Draw the choice of an adapter, where there are several."""
    try:
        names = [adapter.name for adapter in lab.adapters()]
    except RagtuneError:
        return None  # a server can't answer: every card says so
    if len(names) > 1:
        # The newest comes first, but a server's models have no such order.
        first = None if lab.settings.server else 0
        return st.selectbox("Adapter for fine-tuned and hybrid", names, index=first)
    return names[0] if names else None


def card(
    experiment: Experiment,
    missing: str | None,
    exam: ExamFile,
    adapter: str | None,
    busy: bool,
) -> None:
    """Say what an experiment answers and takes, and let it be started."""
    st.markdown(f"##### {experiment.title}")
    st.markdown(experiment.question)
    st.caption(f":material/checklist: {experiment.needs}")
    st.caption(f":material/timer: {experiment.costs}")
    if missing:
        st.caption(f":material/block: {plain(missing)}")
        page = routes.DOCUMENTS if lab.knowledge_base.empty() else routes.FINETUNE
        if experiment.trains:
            page = routes.EXAMPLES
        st.page_link(page, label=f"Open {page.title}", icon=page.icon)
        return
    options = options_input(experiment)
    if st.button(
        "Start",
        key=f"start-{experiment.key}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=busy,
        help="One at a time: two would slow each other down." if busy else None,
    ):
        with sentences():
            kept = start_experiment(lab, experiment.key, exam, options, adapter)
            state.experiment_chosen = kept.name
            st.rerun()


def options_input(experiment: Experiment) -> Any:
    """Draw an input for each option, out of the way."""
    usual = experiment.options()
    with st.expander("Options", icon=":material/tune:"):
        chosen = {
            field.name: option_input(
                field, getattr(usual, field.name), key=f"{experiment.key}-{field.name}"
            )
            for field in dataclasses.fields(usual)
        }
    return experiment.options(**chosen)


def ended(past: list[Kept]) -> None:
    """Show one of the experiments that have ended, the newest by default."""
    names = [kept.name for kept in past]
    chosen = state.get("experiment_chosen")
    st.subheader("Results")
    if len(names) > 1:
        index = names.index(chosen) if chosen in names else 0
        chosen = state.experiment_chosen = st.selectbox("Experiment", names, index=index)
    kept = past[names.index(chosen) if chosen in names else 0]
    title = next((one.title for one in experiments() if one.key == kept.key), kept.key)
    st.markdown(f"##### {plain(title)} · {plain(kept.name)} – {kept.state.state}")
    if kept.result is not None:
        draw_result(kept)
    elif kept.state.state in ("failed", "interrupted"):
        st.error(plain(kept.state.message), icon=":material/error:")
    if kept.rows():
        draw_answers(kept)
    with st.container(horizontal=True):
        if kept.can_go_on and st.button("Go on", icon=":material/play_arrow:"):
            resume_experiment(lab.home, kept)
            st.rerun()
        delete_popover(
            "Its answers and its result can't be brought back.", lambda: delete_experiment(kept)
        )


with sentences():
    kept = list_kept(lab.home)
    running = [one for one in kept if one.state.active]
    for one in running:
        watch_experiment(one.name)
    past = [one for one in kept if not one.state.active]
    if past:  # below all that can be started
        st.markdown("[:material/arrow_downward: Results](#results)")
    left, right = st.columns(2)
    with left:
        exam = exam_input()
    with right:
        adapter = adapter_input()
    needed = {method: lab.missing(method, adapter) for method in METHODS}
    examples = to_train_on(list_examples(lab.database))
    places = [place for _ in range(0, len(experiments()), 2) for place in st.columns(2)]
    for place, experiment in zip(places, experiments(), strict=False):
        with place, st.container(border=True):
            card(experiment, experiment.missing(needed, examples), exam, adapter, bool(running))
    if past:
        with sentences():
            ended(past)
