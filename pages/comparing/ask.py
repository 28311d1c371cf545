"""Ask: one question, four methods, adjacent columns."""

import contextlib
import json
import time

import streamlit as st

from comparison.answer import Answer, as_json, confounded
from comparison.ask import METHODS, ask
from pages.shared.answer import Column, draw_missing
from pages.shared.lab import get_lab, sentences
from pages.shared.only_input import only_input
from pages.shared.plain import plain
from workbench.errors import RagtuneError

_POLL_SECONDS = 0.1
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


def columns() -> dict[str, Column]:
    """Draw the four columns with their headings."""
    drawn = {}
    for method, column in zip(METHODS, st.columns(4, border=True), strict=True):
        with column:
            drawn[method] = Column(method)
    return drawn


def answer_all(question: str, adapter: str | None, missing: dict[str, str | None]) -> None:
    """Let every method that is ready answer, all at once, as the words come."""
    ready = [method for method in METHODS if missing[method] is None]
    earlier = state.setdefault("earlier", []) if state.get("conversation", True) else []
    state.answers = {}
    state.asked = question
    stop.button("Stop", icon=":material/stop_circle:", help="Keeps what has been written so far.")
    wait_until_loaded([drawn[method] for method in ready])
    engine = lab.engine()
    with contextlib.closing(
        ask(lab, question, ready, adapter, earlier=earlier, only=state.only)
    ) as growing:
        for answer in growing:
            state.answers[answer.method] = answer
            drawn[answer.method].grow(answer, engine.waiting())
    stop.empty()
    state.earlier = [*earlier, question]


def conversation() -> None:
    """Let questions follow each other, or begin anew."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.toggle(
            "Follow-ups",
            value=True,
            key="conversation",
            help="A question such as “And on Fridays?” is asked together with the one before it. "
            "All methods are asked the same.",
        )
        state.only = only_input("ask")
        if state.get("earlier") and st.button("New conversation", icon=":material/restart_alt:"):
            state.earlier, state.answers, state.asked = [], {}, ""
            st.rerun()


def wait_until_loaded(waiting: list[Column]) -> None:
    """Say what is being loaded until all is there; every word drawn is a chance to stop."""
    if not lab.engine_loaded():
        lab.warm_up()
    while lab.loading:
        for column in waiting:
            column.room.caption(f":material/hourglass: Loading {lab.loading} …")
        time.sleep(_POLL_SECONDS)
    for column in waiting:
        column.room.caption("Getting ready …")


def below(answers: list[Answer]) -> None:
    """Say whether the conditions were equal, and offer the answers as a file."""
    if answers and answers[0].question != state.asked.strip():
        st.caption(f":material/link: Asked as: {plain(answers[0].question)}")
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
            "retriever in every column.  \n"
            f":material/memory: Answered by {plain(answers[0].model)} on the engine "
            f"{plain(answers[0].fingerprint.precision)}."
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
    conversation()
    if state.get("asked") and not asked:
        st.markdown(f"**{plain(state.asked)}**")
    stop = st.empty()
    drawn = columns()
    for method, column in drawn.items():
        if missing[method] is not None:
            draw_missing(column.room, method, missing)
    if asked and missing["base"] is None:
        answer_all(question, adapter, missing)
    else:
        for method, answer in state.get("answers", {}).items():
            drawn[method].draw(answer)
    answers = state.get("answers", {})
    below([answers[m] for m in METHODS if m in answers and answers[m].done])
