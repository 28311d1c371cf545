"""A file of examples, uploaded; a person says which columns are which, where names don't tell."""

import pandas as pd
import streamlit as st

from finetune_backend.examples.columns import FIELDS, Preview, folded
from finetune_backend.examples.read import KINDS, ReadResult, preview, read_examples
from pages.shared.plain import plain
from workbench.errors import ExamplesError

_LABELS = {"messages": "Chat, in place of both"}


def read_upload(key: str) -> ReadResult | None:
    """Draw an uploader, and return what was uploaded once it can be imported.

    Args:
        key: of the uploader; another one empties it.

    Raises:
        ExamplesError: the file can't be used.
    """
    file = st.file_uploader(
        "CSV or Parquet with question and answer columns, or JSONL",
        type=[kind.removeprefix(".") for kind in KINDS],
        key=key,
    )
    if file is None:
        return None
    data = file.getvalue()
    shown = preview(data, file.name)
    if not shown.columns or (shown.named and not shown.others):
        return read_examples(data, file.name)
    columns = _choose(shown, key)
    if not st.button("Import", type="primary", icon=":material/upload:", key=f"{key}-take"):
        return None
    try:
        return read_examples(data, file.name, columns)
    except ExamplesError as error:  # shown here, so that other columns can be chosen
        st.error(plain(str(error)), icon=":material/error:")
        return None


def _choose(shown: Preview, key: str) -> dict[str, str]:
    st.markdown(
        "Which columns hold what? The others are left out."
        if shown.named
        else "No columns are named question and answer. Which ones hold them?"
    )
    options = list(dict.fromkeys(shown.columns))
    names = {folded(option): place for place, option in enumerate(options, start=1)}
    columns: dict[str, str] = {}
    places = st.columns(len(FIELDS))
    for place, (field, column) in enumerate(zip(FIELDS, places, strict=True), start=1):
        guessed = place if not shown.named and field in ("question", "answer") else 0
        chosen = column.selectbox(
            _LABELS.get(field, field.capitalize()),
            [None, *options],
            index=names.get(field, min(guessed, len(options))),
            format_func=lambda option: "–" if option is None else option,
            key=f"{key}-{field}",
        )
        if chosen is not None:
            columns[field] = chosen
    st.caption("The first rows:")
    cells = {name: [row[at] for row in shown.rows] for at, name in enumerate(shown.columns)}
    st.dataframe(pd.DataFrame(cells), hide_index=True)
    return columns
