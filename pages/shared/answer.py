"""One answer in its column."""

import time
from typing import TYPE_CHECKING

import streamlit as st

from comparison.answer import Answer, ShownSource
from pages.shared import routes
from pages.shared.plain import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_REDRAW_SECONDS = 0.1
HEADINGS = {
    "base": ("Base", "The model as it is", ":material/circle:"),
    "rag": ("RAG", "Reads your documents", ":material/menu_book:"),
    "finetuned": ("Fine-tuned", "With your adapter", ":material/school:"),
    "hybrid": ("Hybrid", "Adapter and documents", ":material/join:"),
}


class Column:
    """The room for one method's answer, below its heading."""

    def __init__(self, method: str) -> None:
        title, meaning, icon = HEADINGS[method]
        st.markdown(f"#### {icon} {title}")
        st.caption(meaning)
        self.room, self._sources = st.empty(), st.empty()
        self._shown: tuple[ShownSource, ...] = ()
        self._next_draw = 0.0

    def grow(self, answer: Answer, waiting: int) -> None:
        """Draw an answer that grows, but not so often that the drawing slows it down.

        Args:
            answer: as far as it is known.
            waiting: how many conversations wait for the engine.
        """
        now = time.monotonic()
        if answer.done or now >= self._next_draw:
            self.draw(answer, waiting=waiting)
            self._next_draw = now + _REDRAW_SECONDS

    def draw(self, answer: Answer, waiting: int | None = None) -> None:
        """Draw an answer; without ``waiting``, one that isn't done has been stopped."""
        with self.room.container():
            if answer.text:
                growing = not answer.done and waiting is not None
                st.markdown(plain(answer.text) + (" ▌" if growing else ""))
            if answer.error:
                st.error(plain(answer.error), icon=":material/error:")
            elif answer.done:
                if not answer.text:
                    st.caption("It said nothing.")
            elif waiting is None:
                st.caption("Stopped.")
            elif not answer.text:
                st.caption(_state(answer, waiting))
            if answer.adapter:
                st.caption(f"Adapter: {plain(answer.adapter)}")
            if answer.done and not answer.error:
                _times(answer)
        if answer.sources != self._shown:
            self._shown = answer.sources
            with self._sources.container():
                _sources(answer)


def _state(answer: Answer, waiting: int) -> str:
    """Say what a method does that has not written anything yet."""
    if answer.place == 0:
        return "Reading …"
    if answer.place == 1:
        return ":material/hourglass: Next in line."
    ahead = f"{answer.place - 1} question{'' if answer.place == 2 else 's'} ahead"
    return f":material/hourglass: {ahead}, {max(waiting, answer.place)} in line."


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
            st.caption(scores(source.score, source.words, source.fit))
            st.markdown(plain(source.text))


def scores(similarity: float, words: float | None, fit: float | None) -> str:
    """Write out what each step of the search said of a passage."""
    parts = [f"similarity {similarity:.2f}"]
    parts += [f"words {words:.1f}"] if words is not None else []
    parts += [f"reranker {fit:+.1f}"] if fit is not None else []
    return " · ".join(parts)
