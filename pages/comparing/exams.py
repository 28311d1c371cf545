"""Exams: build one from the documents, or upload it; look through it; see that nothing leaked."""

from collections.abc import Collection, Sequence
from pathlib import PurePath

import pandas as pd
import streamlit as st

from comparison import sample
from comparison.exams.exam import ExamQuestion, read_exam, to_jsonl
from comparison.exams.kept import KeptExam, delete_exam, free_name, list_exams, save_exam
from comparison.exams.leaks import find_leaks, leak_sentence, training_of
from comparison.exams.received import nearly_alike
from pages.shared.exam_build import ALL, build_exam, run_names, take_built
from pages.shared.exam_import import read_exam_upload, row_tables, show_tables
from pages.shared.exam_table import Strike, exam_table, leak_table
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from workbench.errors import RagtuneError

SAMPLE = "sample"
lab = get_lab()
state = st.session_state
state.setdefault("exam_round", 0)

st.title("Exams")
st.markdown(
    "Questions with known answers, to put the methods to the test. An exam is fair if none of its "
    "questions was trained on. It says most with three kinds: **trained** facts in other words, "
    "**untrained** ones that stand in the documents, and **unanswerable** questions."
)


def changed(message: str, before: tuple[str, Sequence[ExamQuestion]] | None = None) -> None:
    """Say what happened, keep what was there for Undo, and draw everything afresh."""
    state.exam_message, state.exam_before = message, before
    state.exam_left_out, state.exam_fewer = {}, []
    state.exam_round += 1


def take_file() -> None:
    """Keep an uploaded exam; what can't be asked is listed with its reason."""
    st.markdown("**From a file**")
    try:
        taken = read_exam_upload(f"exam-file-{state.exam_round}")
    except RagtuneError as error:
        state.exam_round += 1
        state.exam_error = str(error)
        st.rerun()
    if taken is None:
        return
    file, received = taken
    name = free_name(lab.home, PurePath(file).stem)
    save_exam(lab.home, name, received.questions)
    keep_chosen(name)
    changed(f"{count(len(received.questions))} kept as {name}")
    state.exam_left_out = row_tables(received)
    if alike := nearly_alike(received.questions):
        said = "Questions that ask nearly what another asks; both are kept"
        state.exam_left_out[said] = pd.DataFrame(alike, columns=["Question", "Beside"])
    st.rerun()


def take_sample() -> None:
    """Offer the exam of the sample company."""
    if (lab.home.folder / "exams" / f"{SAMPLE}.jsonl").exists():
        return
    if st.button(
        "Add the sample's exam",
        icon=":material/add:",
        help="Questions about the documents of an invented company; Home adds those.",
    ):
        save_exam(lab.home, SAMPLE, read_exam(sample.EXAM))
        keep_chosen(SAMPLE)
        changed("The sample's exam was added")
        st.rerun()


def tell() -> None:
    """Show what the last action did."""
    if ended := take_built():
        name, fewer = ended
        if name:
            keep_chosen(name)
            changed(f"The exam {name} was built")
            state.exam_fewer = fewer
        else:
            state.exam_error = " ".join(fewer)
    if error := state.pop("exam_error", None):
        st.error(plain(error), icon=":material/error:")
    if message := state.get("exam_message"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/check: {plain(message)}.")
            if state.get("exam_before") and st.button("Undo", icon=":material/undo:"):
                name, questions = state.exam_before
                save_exam(lab.home, name, questions, replace=True)
                keep_chosen(name)
                changed(f"{name} is as it was")
                st.rerun()
    for sentence in state.get("exam_fewer", ()):
        st.caption(plain(sentence))
    show_tables(state.get("exam_left_out", {}))


def choose(exams: Sequence[KeptExam]) -> KeptExam:
    """List the exams, and return the one that is looked at."""
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "Name": exam.name,
                    "Questions": exam.questions,
                    **{pool.capitalize(): count for pool, count in exam.pools.items()},
                    "Changed (UTC)": pd.to_datetime(exam.changed, unit="s"),
                }
                for exam in exams
            ]
        ),
        hide_index=True,
        column_config={"Changed (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")},
    )
    names = [exam.name for exam in exams]
    if state.get("exam_name") not in names:
        state.exam_name = names[0]
    name = st.selectbox("Exam", names, key="exam_name")
    return exams[names.index(name)]


def keep_chosen(name: str) -> None:
    """Look at this exam when the page is drawn next."""
    state.exam_next = name


def look(exam: KeptExam) -> None:
    """Show an exam, and what can be done with it."""
    st.subheader(plain(exam.name))
    if exam.trouble:
        st.error(plain(exam.trouble), icon=":material/error:")
        deletion(exam, ())
        return
    questions = read_exam(exam.path)

    def strike(places: Collection[int]) -> None:
        gone = set(places)
        rest = [one for place, one in enumerate(questions) if place not in gone]
        if not rest:
            st.warning("An exam has at least one question. Delete it instead.")
            return
        save_exam(lab.home, exam.name, rest, replace=True)
        changed(f"{count(len(gone))} struck out", (exam.name, questions))
        st.rerun()

    with sentences():
        leaks_of(questions, strike)
    exam_table(questions, f"exam-{exam.name}-{state.exam_round}", strike)
    with st.container(horizontal=True):
        st.download_button(
            "JSONL",
            lambda: to_jsonl(questions).encode(),
            f"{exam.name}.jsonl",
            "application/jsonl",
            icon=":material/download:",
            on_click="ignore",
        )
        deletion(exam, questions)


def leaks_of(questions: Sequence[ExamQuestion], strike: Strike) -> None:
    """Say whether questions were trained on, by a run that is chosen."""
    run = st.selectbox(
        "Held against the training of",
        run_names(),
        help="Questions in the same words as a training example, or nearly: those a fine-tune has "
        "learned by heart.",
    )
    training = training_of(lab, None if run == ALL else run)
    with st.spinner("Comparing with what was trained on …"):
        leaks = find_leaks([one.question for one in questions], training)
    said = plain(leak_sentence(leaks, len(questions), training.said))
    if not training.examples:
        st.caption("There are no training examples yet, so that nothing can have leaked.")
    elif leaks:
        st.warning(said, icon=":material/warning:")
        leak_table(leaks, strike)
    else:
        st.success(said, icon=":material/check:")


def deletion(exam: KeptExam, questions: Sequence[ExamQuestion]) -> None:
    """Offer to delete an exam; where it can be read, Undo brings it back."""
    if st.button("Delete", icon=":material/delete:", help="Evaluations keep their own copies."):
        delete_exam(lab.home, exam.name)
        changed(f"{exam.name} was deleted", (exam.name, questions) if questions else None)
        st.rerun()


def count(questions: int) -> str:
    """Say how many questions."""
    return "1 question" if questions == 1 else f"{questions:,} questions"


with sentences():
    given, built_here = st.columns(2, border=True)
    with built_here:
        build_exam()
    with given:
        take_file()
        take_sample()
    tell()
    if "exam_next" in state:  # a widget's value can't be changed once it is drawn
        state.exam_name = state.pop("exam_next")
    if exams := list_exams(lab.home):
        look(choose(exams))
    else:
        st.info(
            "No exams yet. Build one from the documents, upload one, or add the sample's.",
            icon=":material/quiz:",
        )
