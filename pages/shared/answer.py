"""One answer in its column."""

from typing import TYPE_CHECKING

import streamlit as st

from comparison.answer import Answer
from pages.shared import routes
from pages.shared.plain import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

HEADINGS = {
    "base": ("Base", "The model as it is", ":material/circle:"),
    "rag": ("RAG", "Reads your documents", ":material/menu_book:"),
    "finetuned": ("Fine-tuned", "With your adapter", ":material/school:"),
    "hybrid": ("Hybrid", "Adapter and documents", ":material/join:"),
}


def draw(room: "DeltaGenerator", answer: Answer, growing: bool = False) -> None:
    """Draw an answer as far as it is known; one that grows no more may have been stopped."""
    with room.container():
        if answer.text:
            st.markdown(plain(answer.text) + (" ▌" if growing else ""))
        elif answer.done:
            st.caption("It said nothing.")
        elif growing:
            st.caption("Reading …")
        if not answer.done and not growing:
            st.caption("Stopped.")
        if answer.adapter:
            st.caption(f"Adapter: {plain(answer.adapter)}")
        if answer.done:
            _times(answer)
        if answer.sources:
            _sources(answer)


def draw_missing(room: "DeltaGenerator", method: str, missing: dict[str, str | None]) -> None:
    """Say what a method still needs, with a link to the page that makes it ready."""
    with room.container():
        st.info(plain(missing[method] or ""), icon=":material/info:")
        needs_documents = method == "rag" or (method == "hybrid" and missing["rag"])
        page = routes.DOCUMENTS if needs_documents else routes.FINETUNE
        if missing["base"]:  # the server that answers is not ready
            page = routes.SETTINGS
        st.page_link(page, label=f"Open {page.title}", icon=page.icon)


def _times(answer: Answer) -> None:
    times = answer.timings_ms
    before_reading = times.queue + times.search + times.rerank
    phases = {
        "queue": times.queue,
        "search": times.search,
        "rerank": times.rerank,
        "read": max(0.0, times.first_token - before_reading),
        "write": times.total - times.first_token,
    }
    parts = " · ".join(f"{name} {_ms(ms)}" for name, ms in phases.items() if ms >= 0.5)
    st.markdown(f":material/timer: **{_ms(times.total)}**")
    st.caption(f"{parts}  \n{answer.tokens.prompt} tokens read, {answer.tokens.completion} written")


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _sources(answer: Answer) -> None:
    read = sum(source.read for source in answer.sources)
    st.caption(f"{len(answer.sources)} sources found, {read} read by the model")
    for source in answer.sources:
        page = f", p. {source.page}" if source.page else ""
        icon = ":material/visibility:" if source.read else ":material/visibility_off:"
        label = f"{plain(source.document)}{page} · {source.score:.2f}"
        with st.expander(label, icon=icon):
            st.markdown(plain(source.text))
