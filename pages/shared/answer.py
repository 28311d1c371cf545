"""One answer in its column."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from comparison.answer import Answer
from comparison.claims import Claim
from comparison.columns import Column
from comparison.trace import milliseconds, phases
from pages.shared import routes
from pages.shared.lab import get_lab
from pages.shared.plain import highlighted, plain
from pages.shared.source import source_button
from pages.shared.trace import open_trace
from rag_backend.answer.orders import gives_orders

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_REDRAW_SECONDS = 0.1
_IN_A_ROW = 4
_LONGEST_NAME = 30
_MEANINGS = {
    "base": ("The model as it is", ":material/circle:"),
    "rag": ("Reads your documents", ":material/menu_book:"),
    "finetuned": ("With your adapter", ":material/school:"),
    "hybrid": ("Adapter and documents", ":material/join:"),
}


def side_by_side(count: int) -> "Iterator[DeltaGenerator]":
    """Yield the frames of so many columns, in rows of about equal length."""
    rows = -(-count // _IN_A_ROW)
    in_a_row = -(-count // max(1, rows))
    for start in range(0, count, max(1, in_a_row)):
        yield from st.columns(min(in_a_row, count - start), border=True)


class AnswerRoom:
    """The room for one column's answer, below its heading."""

    def __init__(self, column: Column) -> None:
        meaning, icon = _MEANINGS[column.method]
        st.markdown(f"#### {icon} {plain(column.title)}")
        st.caption(meaning)
        self.room, self._below = st.empty(), st.empty()
        self._claims = st.empty()
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

    def draw(
        self,
        answer: Answer,
        waiting: int | None = None,
        own: Sequence[tuple[int, int]] = (),
        claims: Sequence[Claim] = (),
    ) -> None:
        """Draw an answer.

        Args:
            answer: as far as it is known.
            waiting: as for `grow`; without it, an answer that isn't done has been stopped.
            own: where it says words that no other column says, in characters.
            claims: what the documents say of it, where they were not read for it.
        """
        with self.room.container():
            if answer.text:
                growing = not answer.done and waiting is not None
                st.markdown(_marked(answer, own, claims) + (" ▌" if growing else ""))
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
            with self._below.container():
                if answer.sources:
                    _sources(answer)
                if answer.done and st.button(
                    "How this came about",
                    key=f"trace-{answer.column.label}",
                    icon=":material/account_tree:",
                ):
                    open_trace(answer)
        if claims:
            with self._claims.container():
                _checked(claims, answer.column.label)


def _state(answer: Answer, waiting: int) -> str:
    """Say what a method does that has not written anything yet."""
    if answer.place == 0:
        return "Reading …"
    if answer.place == 1:
        return ":material/hourglass: Next in line."
    ahead = f"{answer.place - 1} question{'' if answer.place == 2 else 's'} ahead"
    return f":material/hourglass: {ahead}, {max(waiting, answer.place)} in line."


def draw_missing(room: "DeltaGenerator", column: Column, why: str) -> None:
    """Say what a column still needs, with a link to the page that makes it ready."""
    lab = get_lab()
    with room.container():
        st.info(plain(why), icon=":material/info:")
        page = routes.FINETUNE
        if lab.missing("base", None, column.model):  # the model that answers is not ready
            page = routes.SETTINGS
        elif column.searches and lab.knowledge_base.empty():
            page = routes.DOCUMENTS
        st.page_link(page, label=f"Open {page.title}", icon=page.icon)


def _times(answer: Answer) -> None:
    st.markdown(f":material/timer: **{milliseconds(answer.timings_ms.total)}**")
    said = f"{phases(answer.timings_ms)}  \n"
    said += f"{answer.tokens.prompt} tokens read, {answer.tokens.completion} written"
    if answer.groundedness is not None:
        said += f"  \nGrounded in what was read: {answer.groundedness:.0%}"
    st.caption(said)


def _marked(answer: Answer, own: Sequence[tuple[int, int]], claims: Sequence[Claim]) -> str:
    """Return the answer with what supports each sentence behind it, and its own words marked."""
    badges = [
        (one.start, one.end, f":green-badge[{one.by.source + 1}]")
        if one.by
        else (one.start, one.end, ":orange-badge[not in the sources]")
        for one in answer.sentences
    ]
    for claim in claims:
        badge = ":orange-badge[the documents don’t say so]"
        if claim.source:
            badge = f":green-badge[{_place(claim.source.document, claim.source.page)}]"
        badges.append((claim.start, claim.end, badge))
    parts, done = [], 0

    def text(start: int, end: int) -> str:
        marked = [(first - start, last - start) for first, last in own]
        return highlighted(answer.text[start:end], marked, "blue")

    for start, end, badge in badges:
        between = answer.text[done:start]
        parts.append("  \n" if "\n" in between else plain(between.strip()) or between)
        parts += [text(start, end), f" {badge}"]
        done = end
    return "".join((*parts, text(done, len(answer.text))))


def _place(document: str, page: int | None) -> str:
    """Name a place in few characters, escaped."""
    short = document if len(document) <= _LONGEST_NAME else document[: _LONGEST_NAME - 1] + "…"
    return plain(short) + (f", p. {page}" if page else "")


def _checked(claims: Sequence[Claim], label: str) -> None:
    """Show what the documents say, for an answer that was given without them."""
    said = [(claim.source, claim.place) for claim in claims if claim.source]
    st.caption(
        f":material/fact_check: Checked afterwards: your documents support {len(said)} of "
        f"{len(claims)} sentence{'' if len(claims) == 1 else 's'}."
    )
    for number, source in enumerate(dict.fromkeys(source for source, _ in said)):
        name = _place(source.document, source.page)
        with st.expander(name, icon=":material/fact_check:"):
            places = [place for one, place in said if one == source]
            st.markdown(highlighted(source.text, places))
            source_button(
                f"claim-{label}-{number}",
                source.document,
                source.page,
                source.text,
                source.end,
                places,
            )


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
            spans = [(span.start, span.end) for span in cited]
            st.markdown(highlighted(source.text, spans))
            # While an answer grows, a click would end it.
            if answer.done:
                source_button(
                    f"open-{answer.column.label}-{number}",
                    source.document,
                    source.page,
                    source.text,
                    source.end,
                    spans,
                )


def scores(similarity: float, words: float | None, fit: float | None) -> str:
    """Write out what each step of the search said of a passage."""
    parts = [f"similarity {similarity:.2f}"]
    parts += [f"words {words:.1f}"] if words is not None else []
    parts += [f"reranker {fit:+.1f}".replace("-", "−")] if fit is not None else []
    return " · ".join(parts)
