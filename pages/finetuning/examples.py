"""Examples: import, find, edit and export what a fine-tune learns from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from comparison.write_examples import (
    found_examples,
    start_writing,
    who_writes,
    writing_folder,
    written,
)
from finetune_backend.examples.check import check_enough
from finetune_backend.examples.read import from_rows
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import add_examples, change_examples, list_examples
from finetune_backend.examples.write import to_csv, to_jsonl
from pages.shared import routes
from pages.shared.example_findings import show_findings
from pages.shared.example_import import read_upload
from pages.shared.example_split import offer_split
from pages.shared.example_table import Rows, edit_table
from pages.shared.job_progress import watch_job
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from workbench import jobs
from workbench.errors import ExamplesError
from workbench.values import WAITING, Example

lab = get_lab()
state = st.session_state
state.setdefault("import_round", 0)
state.setdefault("table_round", 0)

st.title("Examples")
st.markdown(
    "A fine-tune learns from questions with answers. Several wordings of one fact teach it better "
    "than one; rows that share a **fact** are wordings of the same thing."
)


def busy() -> bool:
    """Are examples being written, so that what is there must not be taken away?"""
    return jobs.at_work(writing_folder(lab.home))


def changed(message: str, before: Sequence[Example], after: Sequence[Example]) -> None:
    """Say what happened, keep for Undo what was changed, and draw a fresh table."""
    state.examples_message, state.examples_change = message, (before, after)
    state.table_round += 1
    st.rerun()


def change(message: str, before: Sequence[Example], after: Sequence[Example]) -> None:
    """Turn examples into others, and offer to undo just that."""
    change_examples(lab.database, before, after)
    changed(message, before, after)


def collect() -> None:
    """Take examples from a file or from the documents."""
    given, found = st.columns(2, border=True)
    with given:
        st.markdown("**From a file**")
        take_file()
    with found:
        st.markdown("**From the documents**")
        st.caption("Question-and-answer text, headings that are questions, and tables.")
        if st.button("Find examples", icon=":material/search:"):
            take_documents()
        st.caption(
            f"{plain(who_writes(lab.settings))} writes questions about all other text. A reader "
            "has to find their answers again, or they are left out."
        )
        writing()


def writing() -> None:
    """Offer to write examples, or show how far it is."""
    if busy():
        keeps = "Keeps what was written. Started again, it goes on from there."
        watch_job(writing_folder(lab.home), keeps)
        return
    if st.button(
        "Write examples", icon=":material/edit_note:", disabled=lab.knowledge_base.empty()
    ):
        state.examples_written = list_examples(lab.database)
        start_writing(lab.home)
        st.rerun()


def take_file() -> None:
    """Import a file; what can't be used is listed with its reason."""
    try:
        read = read_upload(f"import-{state.import_round}")
    except ExamplesError as error:
        state.import_round += 1
        state.examples_error = str(error)
        st.rerun()
    if read is None:
        return
    state.import_round += 1
    before = list_examples(lab.database)
    new = add_examples(lab.database, read.examples)
    state.examples_rejected = [(row.row, row.reason) for row in read.rejected]
    known = len(read.examples) - new
    said = "1 example imported" if new == 1 else f"{new:,} examples imported"
    changed(
        said + (f", {known:,} here already" if known else ""), before, [*before, *read.examples]
    )


def take_documents() -> None:
    """Add what the documents themselves ask and answer."""
    before = list_examples(lab.database)
    found = found_examples(lab)
    new = add_examples(lab.database, found)
    said = f"{len(found)} examples found in the documents, {new} of them new"
    changed(said, before, [*before, *found])


def tell() -> None:
    """Show what the last action did."""
    tell_written()
    if error := state.pop("examples_error", None):
        st.error(plain(error), icon=":material/error:")
    if message := state.get("examples_message"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/check: {plain(message)}.")
            if st.button("Undo", icon=":material/undo:", key="undo-examples", disabled=busy()):
                before, after = state.pop("examples_change")
                change_examples(lab.database, after, before)
                state.pop("examples_message")
                state.pop("examples_rejected", None)
                state.pop("questions_rejected", None)
                state.table_round += 1
                st.rerun()
    if dropped := state.get("questions_rejected"):
        said = ", ".join(f"{count} because {reason}" for reason, count in dropped.items())
        st.caption(f"Questions left out: {said}.")
    if rejected := state.get("examples_rejected"):
        with st.expander(f"{len(rejected)} rows were left out", expanded=True):
            st.dataframe(pd.DataFrame(rejected, columns=["Row", "Why"]), hide_index=True)


def tell_written() -> None:
    """Say how the last writing ended, until it was read."""
    before, folder = state.get("examples_written"), writing_folder(lab.home)
    if before is None or jobs.read(folder).active:
        return
    del state.examples_written
    ended, done = jobs.read(folder), written(lab.home)
    if ended.state not in ("done", "cancelled"):
        state.examples_error = ended.message
    if done:
        there = list_examples(lab.database)
        new = [one for one in there if one.status == WAITING and one.passage]
        state.examples_change = before, [*before, *new]
        state.examples_message = f"{done.examples} examples written about {done.facts} facts"
        state.questions_rejected = done.rejected
        state.table_round += 1


def edit(examples: list[Example]) -> None:
    """Show the examples in a table that can be edited, and keep what was changed."""

    def save(rows: Rows) -> None:
        read = from_rows(rows)
        state.examples_rejected = [(row.row, row.reason) for row in read.rejected]
        change(f"{len(read.examples)} examples saved", examples, read.examples)

    def replace(others: Sequence[Example], done: str) -> None:
        change(done, examples, others)

    if edit_table(examples, state.table_round, busy(), save, replace):
        state.table_round += 1
        st.rerun()
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            lambda: to_csv(examples).encode("utf-8-sig"),
            "examples.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "JSONL",
            lambda: to_jsonl(examples, passages=True).encode(),
            "examples.jsonl",
            "application/jsonl",
            icon=":material/download:",
            on_click="ignore",
        )
        with st.popover("Delete all", icon=":material/delete:"):
            st.markdown(f"Delete all {len(examples)} examples? Undo brings them back.")
            if st.button("Delete all", key="delete-all", disabled=busy()):
                change(f"{len(examples)} examples deleted", examples, [])


def remove(rows: Sequence[int], examples: list[Example]) -> None:
    """Take some rows away."""
    gone = set(rows)
    kept = [example for row, example in enumerate(examples) if row not in gone]
    many = "1 example" if len(rows) == 1 else f"{len(rows):,} examples"
    change(f"{many} removed", examples, kept)


with sentences():
    collect()
    tell()
    examples = list_examples(lab.database)
    if examples:
        trained = to_train_on(examples)
        facts = len({example.fact for example in trained})
        st.subheader(f"{len(examples)} examples, {facts} facts")
        edit(examples)
        if made := offer_split(examples, busy()):
            changed(made.sentence(), made.before, made.after)
        show_findings(examples, lambda rows: remove(rows, examples), busy())
        check_enough(trained)
        st.page_link(routes.FINETUNE, label="Go on to Fine-tune", icon=":material/arrow_forward:")
    else:
        st.info(
            "No examples yet. Import a file, or find some in the documents.",
            icon=":material/dataset:",
        )
