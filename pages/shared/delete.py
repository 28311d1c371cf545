"""Deleting what can't be brought back: asked about once more."""

from collections.abc import Callable

import streamlit as st


def delete_popover(lost: str, delete: Callable[[], None], label: str = "Delete") -> None:
    """Offer to delete something, and say what is lost before it is done.

    Args:
        lost: what can't be brought back, in Markdown.
        delete: called once that was confirmed; then the page runs again.
        label: of the button that asks.
    """
    with st.popover(label, icon=":material/delete:"):
        st.markdown(lost)
        if st.button("Delete for good"):
            delete()
            st.rerun()
