"""The choice of the columns that a question is asked to."""

from collections.abc import Sequence

import streamlit as st

from comparison.columns import METHODS, Column
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain

_MOST = 8
_KEY = "columns"
_KEPT = "columns-kept"
_MODELS = "columns-models"


def choose_columns(adapter: str | None, adapters: Sequence[str]) -> list[Column]:
    """Draw a small menu with the columns, and return those that were chosen, each once.

    Args:
        adapter: of the columns "Fine-tuned" and "Hybrid" that name none.
        adapters: all that can be chosen from.
    """
    state = st.session_state
    options = _options(adapters, state.get(_MODELS, ()))
    # A widget's own state goes when its page is left, and an adapter may be gone by now.
    kept = state.get(_KEY, state.get(_KEPT, list(METHODS)))
    state[_KEY] = [label for label in kept if label in options]
    count = len(state[_KEY])
    with st.popover(f"Columns: {count}", icon=":material/view_column:"):
        st.multiselect(
            "Asked side by side",
            list(options),
            key=_KEY,
            format_func=lambda label: options[label].title,
            max_selections=_MOST,
            help="Fine-tuned and Hybrid have the adapter chosen above; with several adapters, "
            "each of them can have a column of its own.",
        )
        if not get_lab().settings.server:  # a server's other models are the adapters
            with sentences():
                _add_model()
    chosen = state[_KEPT] = list(state[_KEY])
    columns = (options[label] for label in chosen)
    return list(dict.fromkeys(_named(column, adapter) for column in columns))


def _options(adapters: Sequence[str], models: Sequence[str]) -> dict[str, Column]:
    """Return the columns to choose from, by their labels."""
    columns = [Column(method) for method in METHODS]
    if len(adapters) > 1:
        columns += [Column(m, name) for name in adapters for m in ("finetuned", "hybrid")]
    columns += [Column(method, None, model) for model in models for method in ("base", "rag")]
    return {column.label: column for column in columns}


def _named(column: Column, adapter: str | None) -> Column:
    """Name the adapter of a column that has one and leaves it open."""
    if column.tuned and column.adapter is None:
        return Column(column.method, adapter, column.model)
    return column


def _add_model() -> None:
    """Offer columns with another model; it has to be there."""
    state, lab = st.session_state, get_lab()
    with st.form("another-model", border=False, clear_on_submit=True):
        name = st.text_input(
            "Another model beside it",
            placeholder="A folder or a name, as in Settings",
            help="It is loaded for every question anew, beside the one in Settings.",
        ).strip()
        added = st.form_submit_button("Offer it", icon=":material/add:")
    if added and name and name != lab.settings.model:
        lab.checkpoint(name)
        state[_MODELS] = tuple(dict.fromkeys([*state.get(_MODELS, ()), name]))
        st.rerun()
    for model in state.get(_MODELS, ()):
        st.caption(f"Offered: Base and RAG with {plain(model)}")
