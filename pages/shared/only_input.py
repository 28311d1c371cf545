"""An input for what a search is limited to."""

from pathlib import PurePath

import streamlit as st

from pages.shared.lab import get_lab
from rag_backend.search.only import Only


def only_input(key: str) -> Only:
    """Draw a small menu with documents, types and a day, and return what was chosen."""
    documents = get_lab().knowledge_base.documents()
    types = sorted({PurePath(document.name).suffix.lower() for document in documents})
    chosen = _chosen(key)
    label = "Search in some documents only" if chosen else "Search in all documents"
    with st.popover(label, icon=":material/filter_alt:"):
        st.multiselect("Documents", [one.name for one in documents], key=f"{key}-documents")
        st.multiselect("Types", types, key=f"{key}-types")
        st.date_input("Added on this day or later (UTC)", value=None, key=f"{key}-since")
    return _chosen(key)


def _chosen(key: str) -> Only:
    state = st.session_state
    return Only(
        tuple(state.get(f"{key}-documents", ())),
        tuple(state.get(f"{key}-types", ())),
        state.get(f"{key}-since"),
    )
