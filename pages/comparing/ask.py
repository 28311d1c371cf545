"""Ask: one question, adjacent columns; blind, they have no names until you have voted."""

import contextlib
import json
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from comparison.answer import Answer, as_json
from comparison.ask import ask
from comparison.blind import new_round
from comparison.claims import Claim, check_claims
from comparison.columns import Column
from comparison.confounded import differences
from comparison.own_words import own_words
from pages.shared.answer import AnswerRoom, draw_missing, side_by_side
from pages.shared.ask_options import adapter_names, options, question_form
from pages.shared.blind_round import reveal, tally, vote_on
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.stopwatch import stopwatch
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_POLL_SECONDS = 0.05
lab = get_lab()
state = st.session_state

st.title("Ask")


def open_rooms(columns: Sequence[Column]) -> dict[Column, AnswerRoom]:
    """Draw the columns with their headings, and what those need that can't answer yet."""
    rooms = {}
    for column, frame in zip(columns, side_by_side(len(columns)), strict=True):
        with frame:
            rooms[column] = AnswerRoom(column)
        why = missing.get(column)
        if why is not None:
            draw_missing(rooms[column].room, column, why)
    return rooms


def growing_answers(
    question: str, columns: Sequence[Column], waiting: "Sequence[DeltaGenerator]"
) -> Generator[Answer]:
    """Yield the answers of columns that are ready, as the words come.

    Args:
        question: as it was typed.
        columns: at least one.
        waiting: where to say what is being loaded.
    """
    earlier = state.get("earlier", []) if state.conversation else []
    state.answers, state.claims, state.asked = {}, {}, question
    state.round, state.vote = None, None
    stop.button("Stop", icon=":material/stop_circle:", help="Keeps what has been written so far.")
    wait_until_loaded(waiting)
    try:
        with contextlib.closing(
            ask(lab, question, columns, earlier=earlier, only=state.only)
        ) as growing:
            yield from growing
    except RagtuneError:
        for room in (stop, *waiting):
            room.empty()
        raise
    stop.empty()
    state.earlier = [*earlier, question]


def wait_until_loaded(waiting: "Sequence[DeltaGenerator]") -> None:
    """Say what is being loaded until all is there; every word drawn is a chance to stop."""
    if not lab.engine_loaded():
        lab.warm_up()
    while lab.loading:
        for room in waiting:
            room.caption(f":material/hourglass: Loading {lab.loading} …")
        time.sleep(_POLL_SECONDS)
    for room in waiting:
        room.caption("Getting ready …")


def answer_openly(question: str, columns: Sequence[Column]) -> None:
    """Draw the answers as they grow."""
    rooms = open_rooms(columns)
    ready = [column for column in columns if missing[column] is None]
    places = [rooms[column].room for column in ready]
    with contextlib.closing(growing_answers(question, ready, places)) as growing:
        engine = None  # loaded by the first answer, which says so
        for answer in growing:
            engine = engine or lab.engine()
            state.answers[answer.column] = answer
            rooms[answer.column].grow(answer, engine.waiting())
    draw(rooms)


def answer_blindly(question: str, columns: Sequence[Column]) -> None:
    """Let all columns answer before any is shown: who is fast would be known by it."""
    answers, told = dict[Column, Answer](), st.empty()
    with contextlib.closing(growing_answers(question, columns, [told])) as growing:
        for answer in growing:
            answers[answer.column] = answer
            done = sum(one.done for one in answers.values())
            told.caption(f":material/hourglass: {done} of {len(columns)} have answered …")
    state.answers = answers
    if not any(answer.error for answer in answers.values()):
        said = [(answer.column, answer.text) for answer in answers.values()]
        state.round = new_round(next(iter(answers.values())).question, said)
    st.rerun()


def draw(rooms: dict[Column, AnswerRoom]) -> None:
    """Draw what was answered, with what the documents and the other columns say of it."""
    answers = [state.answers[one] for one in rooms if one in state.get("answers", {})]
    texts = [answer.text for answer in answers] if state.marked else [""] * len(answers)
    for answer, own in zip(answers, own_words(texts), strict=True):
        rooms[answer.column].draw(answer, own=own, claims=claims_of(answer))
    below([answer for answer in answers if answer.done])


def claims_of(answer: Answer) -> tuple[Claim, ...]:
    """Return what the documents say of an answer that was given without them, looked up once."""
    if answer.done and answer.column not in state.claims and not answer.column.searches:
        with st.spinner("Looking up in the documents what was said …"):
            state.claims[answer.column] = check_claims(lab, answer, state.only)
    claims: tuple[Claim, ...] = state.claims.get(answer.column, ())
    return claims


def below(answers: Sequence[Answer]) -> None:
    """Say whether the conditions were equal, show the times, and offer all of it as a file."""
    if answers and answers[0].question != state.asked.strip():
        st.caption(f":material/link: Asked as: {plain(answers[0].question)}")
    if len(answers) < 2:
        return
    differing = differences(answers)
    if differing:
        st.warning(f"Confounded – {plain('; '.join(differing))}.", icon=":material/warning:")
    else:
        st.caption(
            ":material/lock: Equal conditions: the same checkpoint, precision, decoding and "
            "retriever in every column.  \n"
            f":material/memory: Answered by {plain(answers[0].model)} on the engine "
            f"{plain(answers[0].fingerprint.precision)}."
        )
    if timed := [answer for answer in answers if not answer.error]:
        stopwatch(timed)
    told = [
        {**as_json(one), "claims": [asdict(claim) for claim in claims_of(one)]} for one in answers
    ]
    st.download_button(
        "Download as JSON",
        json.dumps({"question": state.asked, "answers": told}, ensure_ascii=False, indent=2),
        "answers.json",
        "application/json",
        icon=":material/download:",
        on_click="ignore",
    )


def blind_page(question: str, columns: Sequence[Column], asked: bool) -> None:
    """Ask without names, or draw answers to vote on."""
    ready = [column for column in columns if missing[column] is None]
    if left_out := [plain(column.title) for column in columns if column not in ready]:
        st.caption(f"Left out, since they can’t answer yet: {', '.join(left_out)}.")
    if len(ready) < 2:
        st.info("Blind, there have to be two columns that can answer.", icon=":material/info:")
    elif asked:
        answer_blindly(question, ready)
    elif state.get("round"):
        state.vote = vote_on(state.round)
        if state.vote is not None:
            st.rerun()
    else:
        st.caption("Ask something: the answers come without names, in an order of chance.")


with sentences():
    adapters = adapter_names()
    question, adapter, asked = question_form(adapters)
    columns = options(adapter, adapters)
    missing = {one: lab.missing(one.method, one.adapter, one.model) for one in columns}
    if not columns:
        st.info("Choose at least one column to ask.", icon=":material/view_column:")
    if state.get("asked") and not asked:
        st.markdown(f"**{plain(state.asked)}**")
    stop = st.empty()
    revealed = state.get("round") and state.get("vote") is not None
    if not state.blind and not revealed:
        state.round = None  # whoever looks at the names can't vote any more
    shown = bool(revealed or (state.get("answers") and not state.get("round")))
    if state.blind and (asked or not shown):
        blind_page(question, columns, asked)
    elif asked and None in missing.values():
        answer_openly(question, columns)
    elif revealed:
        reveal(state.round, state.vote)
        draw(open_rooms(state.round.order))
    else:
        if state.blind:
            st.caption("No vote: these came with their names, or one of them failed. Ask again.")
        draw(open_rooms(columns))
    tally()
