"""How an answer came about: every step with its time and scores."""

import streamlit as st

from comparison.answer import Answer
from pages.shared.plain import plain


@st.dialog("How this came about", width="large")
def open_trace(answer: Answer) -> None:
    """Show the search's steps for every source, and exactly what the model was told."""
    st.markdown(f"**Asked:** {plain(answer.question)}")
    if answer.sources:
        st.caption("What each step of the search thought of a source: its rank and its score.")
        st.dataframe(_steps(answer), hide_index=True, width="stretch")
    if not answer.prompt:
        st.caption("The model was not asked: nothing that was found is good enough.")
    for turn in answer.prompt:
        st.caption(f"Said to the model as {turn['role']}")
        st.code(turn["content"], language=None, wrap_lines=True)
    st.caption(f"{answer.tokens.prompt} tokens in all, {answer.tokens.completion} written.")
    st.markdown(f"**Answered:** {plain(answer.text)}")


def _steps(answer: Answer) -> list[dict[str, object]]:
    return [
        {
            "": number,
            "Source": source.document,
            "By meaning": _ranked(source.ranks.dense, source.score),
            "By words": _ranked(source.ranks.words, source.words),
            "Fused": _ranked(source.ranks.fused, None),
            "Reranked": _ranked(number if source.fit is not None else None, source.fit),
            "Read": "yes" if source.read else "no room" if source.dropped else "no",
        }
        for number, source in enumerate(answer.sources, start=1)
    ]


def _ranked(rank: int | None, score: float | None) -> str:
    told = "" if score is None else f"{score:.2f}".replace("-", "−")
    return f"{rank}. {told}".strip() if rank is not None else f"– {told}".strip(" ")
