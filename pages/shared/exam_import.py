"""An exam uploaded as a file; a person says which columns are which, where their names don't."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from comparison.exams.read_csv import MARK
from comparison.exams.received import KINDS, Received, receive, unnamed
from finetune_backend.examples.columns import Preview
from pages.shared.plain import plain
from workbench.errors import ExamplesError

EXAM_TYPES = [kind.removeprefix(".") for kind in KINDS]
_MOST_ROWS = 500
_MAY = ("document", "unanswerable", "fact")


def read_exam_upload(key: str) -> tuple[str, Received] | None:
    """Draw an uploader, and return the file's name with what it gave, once it can be kept.

    Args:
        key: of the uploader; another one empties it.

    Raises:
        RagtuneError: the file can't be used.
    """
    file = st.file_uploader(
        "CSV with the columns question and answers, or JSONL",
        type=EXAM_TYPES,
        key=key,
    )
    mark = st.text_input(
        "Between answers in one cell of a CSV file",
        MARK,
        max_chars=5,
        key="exam-mark",
        help="Any of the answers is right. A cell may also hold a JSON list, and there may be "
        "several columns: answer 1, answer 2, …",
    )
    if file is None:
        return None
    data = file.getvalue()
    shown = unnamed(data, file.name)
    if shown is None or not shown.columns:
        return file.name, receive(data, file.name, None, mark)
    columns = _choose(shown, key)
    if not st.button("Import", type="primary", icon=":material/upload:", key=f"{key}-take"):
        return None
    try:
        return file.name, receive(data, file.name, columns, mark)
    except ExamplesError as error:  # shown here, so that other columns can be chosen
        st.error(plain(str(error)), icon=":material/error:")
        return None


def row_tables(received: Received) -> dict[str, pd.DataFrame]:
    """Return tables of rows that aren't asked as they stand there, by what is said of them."""
    tables = {"Rows left out": received.rejected, "Rows joined with others": received.joined}
    return {
        said: pd.DataFrame([(row.row, row.reason) for row in rows], columns=["Row", "Why"])
        for said, rows in tables.items()
        if rows
    }


def show_tables(tables: Mapping[str, pd.DataFrame]) -> None:
    """Show what was done with rows, out of the way."""
    for said, table in tables.items():
        with st.expander(f"{said}: {len(table):,}"):
            st.dataframe(table[:_MOST_ROWS], hide_index=True)
            if len(table) > _MOST_ROWS:
                st.caption(f"The first {_MOST_ROWS:,} are shown.")


def _choose(shown: Preview, key: str) -> dict[str, list[str]]:
    st.markdown("No columns are named question and answers. Which ones hold them?")
    options = list(dict.fromkeys(shown.columns))
    left, right = st.columns(2)
    columns = {
        "question": [left.selectbox("Question", options, key=f"{key}-question")],
        "answers": right.multiselect("Answers", options, key=f"{key}-answers"),
    }
    for field, place in zip(_MAY, st.columns(len(_MAY)), strict=True):
        chosen = place.selectbox(
            field.capitalize(),
            [None, *options],
            format_func=lambda option: "–" if option is None else option,
            key=f"{key}-{field}",
        )
        columns[field] = [] if chosen is None else [chosen]
    st.caption("The first rows:")
    cells = {name: [row[at] for row in shown.rows] for at, name in enumerate(shown.columns)}
    st.dataframe(pd.DataFrame(cells), hide_index=True)
    return columns
