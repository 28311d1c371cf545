"""How an answer came about: every step with its time and scores."""

import streamlit as st

from comparison.answer import Answer, Timings
from pages.shared.plain import plain


@st.dialog("How this came about", width="large")
def open_trace(answer: Answer) -> None:
    """Show the search's steps for every source, and exactly what the model was told."""
    st.markdown(f"**Asked:** {plain(answer.question)}")
    if answer.sources:
        st.caption("What each step of the search thought of a source: its rank and its score.")
        st.dataframe(_steps(answer), hide_index=True, width="stretch")
    if not answer.prompt:
        st.caption(_why_unasked(answer))
    for turn in answer.prompt:
        st.caption(f"Said to the model as {turn['role']}")
        st.code(turn["content"], language=None, wrap_lines=True)
    st.caption(f"{answer.tokens.prompt} tokens in all, {answer.tokens.completion} written.")
    st.markdown(f"**Answered:** {plain(answer.text)}")
    st.caption(f"{phases(answer.timings_ms)}, {milliseconds(answer.timings_ms.total)} in all.")


def phases(times: Timings) -> str:
    """Write out how long each phase took, but for those that took no time."""
    parts = times.phases().items()
    return " · ".join(f"{name} {milliseconds(ms)}" for name, ms in parts if ms >= 0.5)


def milliseconds(time: float) -> str:
    """Write out a duration given in milliseconds."""
    return f"{time:.0f} ms" if time < 1000 else f"{time / 1000:.1f} s"


def decimal(score: float | None) -> str:
    """Write out a score with two decimals; nothing for None."""
    return "" if score is None else f"{score:.2f}".replace("-", "−")


def _steps(answer: Answer) -> list[dict[str, object]]:
    return [
        {
            "": number,
            "Source": source.document,
            "By meaning": _ranked(source.ranks.dense, source.score),
            "By words": _ranked(source.ranks.words, source.words),
            "Fused": _ranked(source.ranks.fused, None),
            "Reranked": _ranked(number if source.fit is not None else None, source.fit),
            "Holds the answer": decimal(source.holds),
            "Read": "yes" if source.read else "no room" if source.dropped else "no",
        }
        for number, source in enumerate(answer.sources, start=1)
    ]


def _why_unasked(answer: Answer) -> str:
    holds = [source.holds for source in answer.sources if source.holds is not None]
    if not holds or answer.threshold is None:
        return "The model was not asked: nothing that was found is similar enough."
    return (
        "The model was not asked: how much speaks for the answer to be there is "
        f"{decimal(max(holds))}, and {decimal(answer.threshold)} is the least that is accepted. "
        "Settings says how that came about."
    )


def _ranked(rank: int | None, score: float | None) -> str:
    place = f"{rank}." if rank is not None else "–"
    return f"{place} {decimal(score)}".rstrip()
