"""Evaluate: every question of an exam to every method, and the verdicts that hold."""

import streamlit as st

from comparison.columns import Column
from comparison.evaluation.choices import column_choices, seconds_per_answer
from comparison.evaluation.kept import (
    KIND,
    Evaluation,
    delete_evaluation,
    evaluations_folder,
    list_evaluations,
)
from comparison.evaluation.money import priced
from comparison.evaluation.results import results
from comparison.evaluation.start import resume_evaluation, start_anew, start_evaluation
from comparison.exams.exam import exam_bytes
from comparison.exams.kept import exam_files
from comparison.exams.leaks import leak_sentences, leaks_of_columns
from comparison.exams.received import receive
from comparison.judge.kept import judge_at_work
from comparison.prices import load_prices
from finetune_backend import queue
from pages.shared import routes
from pages.shared.delete import delete_popover
from pages.shared.evaluation_figures import figures
from pages.shared.evaluation_progress import watch_evaluation
from pages.shared.evaluation_report import report_downloads
from pages.shared.evaluation_rows import downloads, questions
from pages.shared.exam_import import EXAM_TYPES, row_tables, show_tables
from pages.shared.judge_opinion import judge
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.prices import price_inputs
from workbench.durations import duration
from workbench.errors import RagtuneError
from workbench.kept import free_name

_UPLOAD = "A file of my own"
_EXPECTED = (
    "CSV with the columns question and answers (unanswerable and document, if need be), or one "
    'JSON object a line: {"question": "…", "answers": ["…"]}, or {"question": "…", '
    '"unanswerable": true}.'
)
lab = get_lab()
state = st.session_state

st.title("Evaluate")
st.markdown(
    "Asks every question of an exam to each method, one after the other, and says which "
    "differences between them hold."
)


def new_evaluation() -> None:
    """Offer to start an evaluation."""
    with st.container(border=True):
        exam, data = exam_input()
        columns = column_input()
        name = st.text_input(
            "Name",
            placeholder=free_name(evaluations_folder(lab.home), KIND),
            help="Optional.",
            max_chars=60,
        )
        count = say_how_many(exam, data, columns) if data else 0
        if st.button(
            "Start the evaluation",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not (count and columns),
        ):
            made = start_evaluation(lab, data, exam, columns, name.strip() or None)
            state.evaluation = made.name
            st.rerun()


def exam_input() -> tuple[str, bytes]:
    """Draw the choice of an exam, and return its name and its bytes; none before there are any."""
    files = exam_files(lab.home)
    chosen = st.selectbox("Exam", [*files, _UPLOAD], key="evaluation-exam")
    if chosen in files:
        return files[chosen].name, exam_bytes(files[chosen])
    file = st.file_uploader("Exam (CSV or JSONL)", type=EXAM_TYPES, help=_EXPECTED)
    if file is None:
        st.caption(plain(_EXPECTED))
        return "", b""
    return file.name, file.getvalue()


def column_input() -> list[Column]:
    """Draw the choice of columns, and say what others would need."""
    ready, missing = column_choices(lab)
    by_label = {column.label: column for column in ready}
    first = {column.method: column.label for column in reversed(ready)}
    chosen = st.multiselect(
        "Methods",
        list(by_label),
        default=[label for label in by_label if label in first.values()],
        help="Each adapter can be a column of its own.",
        placeholder="Choose at least one",
    )
    for needs in dict.fromkeys(missing.values()):
        struck = [method for method, one in missing.items() if one == needs]
        st.caption(f":material/info: {', '.join(struck)}: {plain(needs)}")
    with st.container(horizontal=True):
        if "base" in missing:
            st.page_link(routes.SETTINGS, label="Open Settings", icon=routes.SETTINGS.icon)
        elif "rag" in missing:
            st.page_link(routes.DOCUMENTS, label="Add documents", icon=routes.DOCUMENTS.icon)
        if "finetuned" in missing and "base" not in missing:
            st.page_link(routes.FINETUNE, label="Start a fine-tune", icon=routes.FINETUNE.icon)
    return [by_label[label] for label in chosen]


def say_how_many(exam: str, data: bytes, columns: list[Column]) -> int:
    """Say what will be asked; return the number of questions, 0 where the exam can't be read."""
    try:
        received = receive(data, exam)
    except RagtuneError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return 0
    asked = received.questions
    show_tables(row_tables(received))
    unanswerable = sum(question.unanswerable for question in asked)
    said = f"{len(asked):,} question{'' if len(asked) == 1 else 's'}, "
    said += f"{unanswerable:,} of them without an answer"
    answers = len(asked) * len(columns)
    said += f"; {answers:,} answer{'' if answers == 1 else 's'} in all"
    if (seconds := seconds_per_answer(evaluations)) and answers:
        said += f", about {duration(seconds * answers)} at the last evaluation's speed"
    st.caption(f":material/quiz: {said}.")
    warn_of_leaks([one.question for one in asked], columns)
    busy = "A fine-tune" if queue.holder(lab.home) else "A judge" if judge_at_work(lab.home) else ""
    if busy:
        st.warning(
            f"{busy} is running. Beside it answers take longer; their times say little.",
            icon=":material/timer:",
        )
    return len(asked)


def warn_of_leaks(asked: list[str], columns: list[Column]) -> None:
    """Say where an adapter was trained on what it is asked."""
    with st.spinner("Comparing with what was trained on …"):
        found = leaks_of_columns(lab, asked, columns)
    leaked = {name: leaks for name, leaks in found.items() if leaks}
    for said in leak_sentences(leaked, len(asked)):
        st.warning(plain(said), icon=":material/warning:")
    if leaked:
        st.page_link(routes.EXAMS, label="See them on page Exams", icon=routes.EXAMS.icon)


def ended(evaluations: list[Evaluation]) -> None:
    """Show one of the evaluations that have ended, the newest by default."""
    names = [one.name for one in evaluations]
    before = state.get("evaluation")
    name = names[0]
    if len(names) > 1:
        place = names.index(before) if before in names else 0
        name = st.selectbox("Evaluation", names, index=place)
    chosen = evaluations[names.index(name)]
    if before in names:  # else it is at work, and is shown once it has ended
        state.evaluation = name
    st.subheader(f"{plain(chosen.name)} – {chosen.state.state}")
    if chosen.state.state in ("failed", "interrupted"):
        st.error(plain(chosen.state.message), icon=":material/error:")
    st.caption(
        f"{plain(chosen.exam)}: {chosen.questions:,} questions, "
        f"{plain(', '.join(column.label for column in chosen.columns))}"
    )
    found = priced(results(chosen), load_prices(lab.home))
    if found.rows:
        figures(lab.home, chosen, found)
        price_inputs(lab.home)
        if len(chosen.columns) > 1:
            with sentences():
                judge(lab, chosen)
        questions(lab, chosen, found)
    else:
        st.info("No answers yet.", icon=":material/fact_check:")
    with st.container(horizontal=True):
        what_next(chosen)
        if found.rows:
            downloads(chosen, found)
            report_downloads(lab, chosen, found)


def what_next(chosen: Evaluation) -> None:
    """Offer to let it go on, to begin anew, or to delete it."""
    if chosen.can_go_on and st.button("Go on", icon=":material/play_arrow:", type="primary"):
        resume_evaluation(lab, chosen)
        st.rerun()
    if st.button(
        "Start anew",
        icon=":material/restart_alt:",
        help="The same questions to the same columns, as everything is now. This one stays.",
    ):
        state.evaluation = start_anew(lab, chosen).name
        st.rerun()
    delete_popover("Its answers can't be brought back.", lambda: delete_evaluation(chosen))


with sentences():
    evaluations = list_evaluations(lab.home)
    at_work = [one for one in evaluations if one.state.active]
    for one in at_work:
        watch_evaluation(one.name)
    if not at_work:
        with sentences():
            new_evaluation()
    if past := [one for one in evaluations if not one.state.active]:
        ended(past)
