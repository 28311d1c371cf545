"""Ask: one question, four methods, adjacent columns."""

import json
from typing import TYPE_CHECKING

import streamlit as st

from comparison.answer import Answer, as_json, confounded
from comparison.ask import METHODS, ask
from pages.shared.answer import HEADINGS, draw, draw_missing
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

lab = get_lab()
state = st.session_state

st.title("Ask")


def question_form() -> tuple[str, str | None, bool]:
    """Draw the question and the choice of adapter."""
    adapters = adapter_names()
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
                index=None if lab.settings.server else 0,
                placeholder="Choose one of the server's models",
            )
        elif adapters:
            adapter = adapters[0]
    return question, adapter, asked


def adapter_names() -> list[str]:
    """Return the adapters to choose from."""
    try:
        return [adapter.name for adapter in lab.adapters()]
    except RagtuneError:
        return []  # a server can't answer: every column says why


def columns() -> dict[str, "DeltaGenerator"]:
    """Draw the four columns with their headings, and return the room below each heading."""
    rooms = {}
    for method, column in zip(METHODS, st.columns(4, border=True), strict=True):
        title, meaning, icon = HEADINGS[method]
        with column:
            st.markdown(f"#### {icon} {title}")
            st.caption(meaning)
            rooms[method] = st.empty()
    return rooms


def answer_all(question: str, adapter: str | None, missing: dict[str, str | None]) -> None:
    """Let every method that is ready answer, one after the other, as the words come."""
    stop.button("Stop", icon=":material/stop_circle:", help="Keeps what has been written so far.")
    ready = [method for method in METHODS if missing[method] is None]
    state.answers = {}
    state.asked = question
    for method, room in rooms.items():
        if method in ready:
            room.caption("Waiting for its turn …")
    if not lab.engine_loaded():
        rooms[ready[0]].info("Loading the language model …", icon=":material/hourglass:")
    for answer in ask(lab, question, ready, adapter):
        draw(rooms[answer.method], answer, growing=not answer.done)
        state.answers[answer.method] = answer
    stop.empty()


def below(answers: list[Answer]) -> None:
    """Say whether the conditions were equal, and offer the answers as a file."""
    if len(answers) < 2:
        return
    differing = confounded(answers)
    if differing:
        st.warning(
            f"Confounded: {', '.join(differing)} differ between the columns.",
            icon=":material/warning:",
        )
    else:
        st.caption(
            ":material/lock: Equal conditions: the same checkpoint, precision, decoding and "
            "retriever in every column."
        )
    report = {"question": state.asked, "answers": [as_json(a) for a in answers]}
    st.download_button(
        "Download as JSON",
        json.dumps(report, ensure_ascii=False, indent=2),
        "answers.json",
        "application/json",
        icon=":material/download:",
        on_click="ignore",
    )


with sentences():
    question, adapter, asked = question_form()
    missing = {method: lab.missing(method, adapter) for method in METHODS}
    if state.get("asked") and not asked:
        st.markdown(f"**{plain(state.asked)}**")
    stop = st.empty()
    rooms = columns()
    for method, room in rooms.items():
        if missing[method] is not None:
            draw_missing(room, method, missing)
    if asked and missing["base"] is None:
        answer_all(question, adapter, missing)
    else:
        for method, answer in state.get("answers", {}).items():
            draw(rooms[method], answer)
    below([answer for answer in state.get("answers", {}).values() if answer.done])
