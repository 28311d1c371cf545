"""An exam built from the documents: how large, against which run, and how far it is."""

import streamlit as st

from comparison.exams.build import (
    building_folder,
    built,
    can_go_on,
    go_on_building,
    start_building,
)
from comparison.exams.exam import POOLS
from comparison.exams.kept import free_name
from comparison.exams.wanted import MOST, Wanted
from comparison.write_examples import who_writes
from finetune_backend.runs import list_runs
from pages.shared import routes
from pages.shared.job_progress import watch_job
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from workbench import jobs

_LABELS = {
    "trained": ("Trained facts", "Asked for in wordings that were not trained on."),
    "untrained": ("Other facts", "Which the documents say, and no example taught."),
    "unanswerable": ("No answer", "A name is exchanged for one that the documents don't know."),
}
ALL = "All examples"


def build_exam() -> None:
    """Offer to build an exam, or show how far it is."""
    lab = get_lab()
    folder = building_folder(lab.home)
    st.markdown("**From the documents**")
    if jobs.at_work(folder):
        watch_job(folder, "Keeps the questions that were found.")
        return
    if lab.knowledge_base.empty():
        st.info("An exam is built from documents, and there are none yet.", icon=":material/quiz:")
        st.page_link(routes.DOCUMENTS, label="Add documents", icon=routes.DOCUMENTS.icon)
        return
    if can_go_on(lab.home):
        _offer_to_go_on()
    usual = Wanted("exam")
    with st.form("build-exam", border=False):
        sizes = {}
        for pool, column in zip(POOLS, st.columns(len(POOLS)), strict=True):
            label, meaning = _LABELS[pool]
            sizes[pool] = int(column.number_input(label, 0, MOST, usual.sizes[pool], help=meaning))
        left, right = st.columns(2)
        run = left.selectbox(
            "Trained by",
            run_names(),
            help="No question of the exam was trained on by this run. All examples: those that "
            "the next run would be trained on.",
        )
        name = right.text_input("Name", placeholder=free_name(lab.home, "exam"), max_chars=60)
        started = st.form_submit_button("Build", type="primary", icon=":material/construction:")
    st.caption(
        f"{plain(who_writes(lab.settings))} writes the questions, and a reader has to find their "
        "answers again: a few seconds for each question."
    )
    if started:
        with sentences():
            wished = name.strip() or free_name(lab.home, "exam")
            start_building(lab, Wanted(wished, None if run == ALL else run, **sizes))
            st.session_state.exam_building = True
            st.rerun()


def run_names() -> list[str]:
    """Return all examples, and the runs whose examples are known, the newest first."""
    return [ALL, *(run.name for run in list_runs(get_lab().home) if not run.imported)]


def take_built() -> tuple[str, list[str]] | None:
    """Return the name of the exam that was built since this was asked last, and what it lacks.

    The name is empty where nothing was built, and then what is said is why.
    """
    home = get_lab().home
    if not st.session_state.get("exam_building") or jobs.at_work(building_folder(home)):
        return None
    del st.session_state.exam_building
    done = built(home)
    if done and done.stopped and not done.name:
        return "", ["It was stopped before a question was found."]
    if done and done.name:
        return done.name, done.fewer()
    return "", [jobs.read(building_folder(home)).message]


def _offer_to_go_on() -> None:
    home = get_lab().home
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            ":material/pause_circle: The last exam was not finished: "
            f"{plain(jobs.read(building_folder(home)).message)}"
        )
        if st.button("Go on", icon=":material/play_arrow:", key="go-on-exam"):
            go_on_building(home)
            st.session_state.exam_building = True
            st.rerun()
