"""How an answer came about: every step with its time and scores."""

import streamlit as st

from comparison.answer import Answer
from comparison.trace import (
    STEPS,
    milliseconds,
    phases,
    rewritten,
    search_steps,
    steps,
    why_unasked,
)
from pages.shared.plain import plain


@st.dialog("How this came about", width="large")
def open_trace(answer: Answer) -> None:
    """Show the search's steps for every source, and exactly what the model was told."""
    st.markdown(f"**Asked:** {plain(answer.asked)}")
    if made := rewritten(answer):
        st.markdown(f"**Searched and asked as:** {plain(made)}")
    if answer.sources:
        st.caption(STEPS)
        st.dataframe(steps(answer), hide_index=True, width="stretch")
        st.caption(f"The search: {search_steps(answer.timings_ms)}.")
    if not answer.prompt:
        st.caption(why_unasked(answer))
    for turn in answer.prompt:
        st.caption(f"Said to the model as {turn['role']}")
        st.code(turn["content"], language=None, wrap_lines=True)
    st.caption(f"{answer.tokens.prompt} tokens in all, {answer.tokens.completion} written.")
    st.markdown(f"**Answered:** {plain(answer.text)}")
    st.caption(f"{phases(answer.timings_ms)}, {milliseconds(answer.timings_ms.total)} in all.")
