"""One answer in its column."""

import time
from typing import TYPE_CHECKING

import streamlit as st

from comparison.answer import Answer
from pages.shared import routes
from pages.shared.plain import highlighted, plain
from pages.shared.source import open_source
from pages.shared.trace import milliseconds, open_trace, phases
from rag_backend.answer.orders import gives_orders

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
        self._shown: tuple[object, ...] = ()
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
                st.markdown(_cited(answer) + (" ▌" if growing else ""))
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
        shown = answer.sources, answer.done
        if shown != self._shown and (answer.sources or answer.done):
            self._shown = shown
            with self._sources.container():
                if answer.sources:
                    _sources(answer)
                if answer.done and st.button(
                    "How this came about",
                    key=f"trace-{answer.method}",
                    icon=":material/account_tree:",
                ):
                    open_trace(answer)


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
    st.markdown(f":material/timer: **{milliseconds(answer.timings_ms.total)}**")
    said = f"{phases(answer.timings_ms)}  \n"
    said += f"{answer.tokens.prompt} tokens read, {answer.tokens.completion} written"
    if answer.groundedness is not None:
        said += f"  \nGrounded in what was read: {answer.groundedness:.0%}"
    st.caption(said)


def _cited(answer: Answer) -> str:
    """Return the answer with the number of its source behind every sentence."""
    parts, end = [], 0
    for sentence in answer.sentences:
        between = answer.text[end : sentence.start]
        parts.append("  \n" if "\n" in between else plain(between.strip()) or between)
        parts.append(plain(answer.text[sentence.start : sentence.end]))
        if sentence.by:
            parts.append(f" :green-badge[{sentence.by.source + 1}]")
        else:
            parts.append(" :orange-badge[not in the sources]")
        end = sentence.end
    return "".join((*parts, plain(answer.text[end:])))


def _sources(answer: Answer) -> None:
    read = sum(source.read for source in answer.sources)
    said = f"{len(answer.sources)} sources found, {read} read by the model"
    if dropped := sum(source.dropped for source in answer.sources):
        said += f", {dropped} dropped: the model's context had no room"
    st.caption(said)
    for number, source in enumerate(answer.sources):
        page = f", p. {source.page}" if source.page else ""
        icon = ":material/visibility:" if source.read else ":material/visibility_off:"
        orders = gives_orders(source.text)
        if source.read and orders:
            icon = ":material/gavel:"
        cited = [one.by for one in answer.sentences if one.by and one.by.source == number]
        with st.expander(f"{number + 1}. {plain(source.document)}{page}", icon=icon):
            if orders:
                st.warning(
                    "This passage seems to tell the model what to say. Check the answer.",
                    icon=":material/gavel:",
                )
            st.caption(scores(source.score, source.words, source.fit))
            st.markdown(highlighted(source.text, [(span.start, span.end) for span in cited]))
            # While an answer grows, a click would end it.
            if answer.done and st.button(
                "Open in the document",
                key=f"open-{answer.method}-{number}",
                icon=":material/open_in_full:",
            ):
                body = source.end - len(source.text)
                spans = [(body + span.start, body + span.end) for span in cited]
                open_source(source.document, source.page, spans or [(source.start, source.end)])


def scores(similarity: float, words: float | None, fit: float | None) -> str:
    """Write out what each step of the search said of a passage."""
    parts = [f"similarity {similarity:.2f}"]
    parts += [f"words {words:.1f}"] if words is not None else []
    parts += [f"reranker {fit:+.1f}".replace("-", "−")] if fit is not None else []
    return " · ".join(parts)
