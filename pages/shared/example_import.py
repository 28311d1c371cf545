"""A file of examples, uploaded; a person says which columns are which, where their names don't."""

import pandas as pd
import streamlit as st

from finetune_backend.examples.columns import FIELDS, Preview
from finetune_backend.examples.read import KINDS, ReadResult, preview, read_examples
from pages.shared.plain import plain
from workbench.errors import ExamplesError

_NEEDED = ("question", "answer")


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
    if shown.named or not shown.columns:
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
    st.markdown("No columns are named question and answer. Which ones hold them?")
    options = list(dict.fromkeys(shown.columns))
    columns: dict[str, str] = {}
    places = st.columns(len(FIELDS))
    for place, (field, column) in enumerate(zip(FIELDS, places, strict=True)):
        chosen = column.selectbox(
            field.capitalize(),
            options if field in _NEEDED else [None, *options],
            index=min(place, len(options) - 1) if field in _NEEDED else 0,
            format_func=lambda option: "–" if option is None else option,
            key=f"{key}-{field}",
        )
        if chosen is not None:
            columns[field] = chosen
    st.caption("The first rows:")
    cells = {name: [row[at] for row in shown.rows] for at, name in enumerate(shown.columns)}
    st.dataframe(pd.DataFrame(cells), hide_index=True)
    return columns
