"""What a question is asked with: its adapter, its columns, and how the answers are shown."""

import streamlit as st

from comparison.columns import Column
from pages.shared.column_chooser import choose_columns
from pages.shared.lab import get_lab
from pages.shared.only_input import only_input
from workbench.errors import RagtuneError


def question_form(adapters: list[str]) -> tuple[str, str | None, bool]:
    """Draw the question and the choice of adapter; return both, and whether it is asked now."""
    with st.form("ask", border=False):
        left, right = st.columns([5, 1], vertical_alignment="bottom")
        question = left.text_input(
            "Question",
            key="question",
            placeholder="Ask something that your documents answer",
        )
        asked = right.form_submit_button(
            "Ask", type="primary", icon=":material/send:", width="stretch"
        )
        adapter = None
        if len(adapters) > 1:
            adapter = st.selectbox(
                "Adapter for fine-tuned and hybrid",
                adapters,
                # The newest comes first, but a server's models have no such order.
                index=None if get_lab().settings.server else 0,
                placeholder="Choose one of the server's models",
            )
        elif adapters:
            adapter = adapters[0]
    return question, adapter, asked


def adapter_names() -> list[str]:
    """Return the adapters to choose from."""
    try:
        return [adapter.name for adapter in get_lab().adapters()]
    except RagtuneError:
        return []  # a server can't answer: every column says why


def options(adapter: str | None, adapters: list[str]) -> list[Column]:
    """Draw how a question is asked and shown, and return the columns that it is asked to.

    What else was chosen is kept in the session: ``only``, ``conversation``, ``marked`` and
    ``blind``.
    """
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center"):
        columns = choose_columns(adapter, adapters)
        state.only = only_input("ask")
        _toggle(
            "Follow-ups",
            "conversation",
            "A question such as “And on Fridays?” is asked together with the one before it. "
            "All columns are asked the same.",
            True,
        )
        _toggle(
            "Mark differences",
            "marked",
            "Words that one column says and no other does stand on a blue ground.",
        )
        _toggle(
            "Blind",
            "blind",
            "Answers come without names, times and sources, in an order of chance. You vote for "
            "the best one, and then the names are shown.",
        )
        if state.get("earlier") and st.button("New conversation", icon=":material/restart_alt:"):
            state.earlier, state.answers, state.asked, state.round = [], {}, "", None
            st.rerun()
    return columns


def _toggle(label: str, name: str, meaning: str, at_first: bool = False) -> None:
    """Draw a toggle whose value stays in the session while other pages are visited."""
    state, key = st.session_state, f"{name}-toggle"
    state[key] = state.get(key, state.get(name, at_first))
    state[name] = st.toggle(label, key=key, help=meaning)
