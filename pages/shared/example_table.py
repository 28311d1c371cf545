"""The table of examples: filtered, edited, approved and rejected, with their passages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pandas as pd
import streamlit as st

from finetune_backend.examples.review import answer_spans, matching, merged, with_status
from pages.shared.plain import highlighted, plain
from workbench.values import APPROVED, REJECTED, STATUSES, Example

_LOOK, _PLACE = "look", "place"
"""Columns of the table besides those of an example: whether its passage is shown, and where it
stands among all examples."""
_MOST_PASSAGES = 5

Rows = Iterable[tuple[int, Mapping[str, object]]]


def edit_table(
    examples: Sequence[Example],
    number: int,
    busy: bool,
    save: Callable[[Rows], None],
    replace: Callable[[Sequence[Example], str], None],
) -> bool:
    """Show the examples in a table that can be filtered and edited.

    Args:
        examples: at least one.
        number: of the table; another one is drawn afresh.
        busy: examples are being written, and must not be replaced by a table that lacks them.
        save: takes all rows, with what was edited, numbered from 1.
        replace: takes all examples, and what was done with them.

    Returns:
        Whether what was edited is to be discarded.
    """
    pending = _pending(f"table-{number}-")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown, filtered = _filter(examples, pending)
    buttons = st.container(horizontal=True, vertical_alignment="center")
    table = _as_table(examples, shown)
    # What was edited in one table must never be taken for edits of another.
    st.session_state.examples_table = key = f"table-{number}-{filtered}"
    edited = _editor(table, key)
    is_changed = not edited.drop(columns=_LOOK).equals(table.drop(columns=_LOOK))
    with buttons:
        st.caption(f"{len(shown):,} of {len(examples):,} shown")
        for status, verb, icon in (
            (APPROVED, "Approve", ":material/thumb_up:"),
            (REJECTED, "Reject", ":material/thumb_down:"),
        ):
            others = [place for place in shown if examples[place].status != status]
            blocked = busy or is_changed or not others
            if st.button(f"{verb} all shown", icon=icon, disabled=blocked):
                many = "1 example" if len(others) == 1 else f"{len(others):,} examples"
                replace(with_status(examples, others, status), f"{many} {status}")
    rows = _records(edited)
    with st.container(horizontal=True):
        if st.button(
            "Save changes",
            type="primary",
            icon=":material/save:",
            disabled=busy or not is_changed,
        ):
            save(merged(examples, shown, rows))
        discarded = st.button("Discard changes", disabled=not (is_changed or pending))
    show_passages([examples[place] for place, row in rows if place is not None and row[_LOOK]])
    return discarded


def show_passages(examples: Sequence[Example]) -> None:
    """Show the passages that examples come from, with the words of the answers marked."""
    for example in examples[:_MOST_PASSAGES]:
        with st.container(border=True):
            st.markdown(f"**{plain(example.question)}**  \n{plain(example.answer)}")
            if example.document:
                st.caption(f"From {plain(example.document)}:")
            if example.passage:
                spans = answer_spans(example.passage, example.answer)
                st.markdown(highlighted(example.passage, spans))
            else:
                st.caption("No passage is kept with this example: it was imported or typed.")
    if len(examples) > _MOST_PASSAGES:
        st.caption(f"The passages of {len(examples) - _MOST_PASSAGES} more are not shown.")


def _pending(key_start: str) -> bool:
    """Does the table that was drawn last, if not given up since, hold edits that aren't saved?"""
    key = st.session_state.get("examples_table", "")
    edits = st.session_state.get(key) if key.startswith(key_start) else None
    if not edits:
        return False
    cells = (set(row) - {_LOOK} for row in edits["edited_rows"].values())
    return bool(edits["added_rows"] or edits["deleted_rows"] or any(cells))


def _filter(examples: Sequence[Example], pending: bool) -> tuple[list[int], str]:
    """Draw the filter, and return the places that it lets through, with a name of its own."""
    # Another table would be drawn, without what was edited.
    why = "Save or discard the changes first." if pending else None
    status = st.selectbox(
        "Status",
        [None, *STATUSES],
        format_func=lambda one: (one or "all").capitalize(),
        disabled=pending,
        help=why,
        key="examples-status",
    )
    text = st.text_input("Search", disabled=pending, help=why, key="examples-search")
    there = dict.fromkeys(example.document for example in examples)
    if chosen := st.session_state.get("examples-documents"):  # whose examples may have gone
        st.session_state["examples-documents"] = [one for one in chosen if one in there]
    documents = st.multiselect(
        "Documents",
        sorted(there, key=lambda document: document or ""),
        format_func=lambda document: document or "No document",
        disabled=pending,
        help=why,
        key="examples-documents",
    )
    return matching(examples, status, text, documents), f"{status}-{text}-{documents}"


def _as_table(examples: Sequence[Example], shown: Sequence[int]) -> pd.DataFrame:
    names = [field.name for field in fields(Example)]
    rows = [(False, *(getattr(examples[place], name) for name in names), place) for place in shown]
    # A new row has no place, which a column of numbers could not say.
    return pd.DataFrame(rows, columns=[_LOOK, *names, _PLACE], dtype=object)


def _editor(table: pd.DataFrame, key: str) -> pd.DataFrame:
    text = st.column_config.TextColumn
    return st.data_editor(
        table,
        key=key,
        num_rows="dynamic",
        hide_index=True,
        height=460,
        column_order=[_LOOK, "status", "question", "answer", "fact", "document", "passage"],
        column_config={
            _LOOK: st.column_config.CheckboxColumn(
                "Look", width="small", default=False, help="Shows the passage below the table."
            ),
            "status": st.column_config.SelectboxColumn(
                "Status",
                width="small",
                options=STATUSES,
                default=APPROVED,
                required=True,
                help="Those rejected or set aside are kept and not trained on.",
            ),
            "question": text("Question", width="large", required=True),
            "answer": text("Answer", width="large", required=True),
            "fact": text("Fact", help="Wordings of one fact share it."),
            "document": text("Document", disabled=True),
            "passage": text("Passage", disabled=True),
        },
    )


def _records(edited: pd.DataFrame) -> list[tuple[int | None, dict[str, Any]]]:
    """Return the rows of the table with their places; None where a row is new."""
    rows = edited.astype(object).where(edited.notna(), None).to_dict("records")
    return [
        (None if row[_PLACE] is None else int(row[_PLACE]), {str(k): v for k, v in row.items()})
        for row in rows
    ]
