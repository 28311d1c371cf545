"""Advise: which method to use, from what was measured and a few questions about the use."""

import dataclasses
import json
from typing import Any

import streamlit as st

from comparison.advice.advise import advise
from comparison.advice.gather import evidence_of, find_evidence, kept_evaluations, rows_from
from comparison.advice.measured import Evidence
from comparison.advice.report import as_json, to_markdown
from comparison.advice.rules import Situation
from comparison.advice.to_measure import to_measure
from comparison.advice.use import ASKED, Use, say
from pages.shared import routes
from pages.shared.advice import break_even, flips, headline, reasons
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.prices import price_inputs

PLACES = {"evaluate": routes.EVALUATE, "finetune": routes.FINETUNE, "settings": routes.SETTINGS}
"""The pages on which something that is missing can be measured or put right."""
lab = get_lab()
state = st.session_state

st.title("Advise")
st.markdown(
    "Which of the four to use, from what was measured on your documents and what you say of the "
    "use. Questions that you leave open change nothing."
)


def measured() -> Evidence:
    """Draw the choice of an evaluation, and return what it measured."""
    kept = kept_evaluations(lab.home)
    left, right = st.columns(2)
    name = left.selectbox("Evaluation", kept) if kept else None
    file = (right if kept else st).file_uploader(
        "Another evaluation, as `ragtune evaluate --json` prints it", type=["json", "jsonl"]
    )
    with st.spinner("Reading what was measured …"):
        if file is not None:
            with sentences():
                return evidence_of(lab, rows_from(file.getvalue(), file.name), file.name)
        return find_evidence(lab, name)


def asked() -> Use:
    """Draw the questions about the use, and return the answers."""
    columns = st.columns(2)
    answers = {
        field.name: answer(field, ASKED[field.name], columns[place % 2])
        for place, field in enumerate(dataclasses.fields(Use))
    }
    state.advise_use = use = Use(**answers)
    return use


def answer(field: "dataclasses.Field[Any]", label: str, room: Any) -> Any:
    """Draw one question, and return its answer.

    Args:
        field: of `Use`.
        label: of the question.
        room: a column.
    """
    key, meaning = f"advise_use-{field.name}", field.metadata["meaning"]
    if key not in state:  # another page forgets what is drawn here
        state[key] = getattr(state.get("advise_use"), field.name, field.default)
    if field.metadata["choices"]:
        return room.selectbox(
            label,
            field.metadata["choices"],
            format_func=lambda choice: say(field.name, choice),
            help=meaning,
            key=key,
        )
    kind: Any = type(field.default)
    return room.number_input(
        label,
        kind(field.metadata["low"]),
        kind(field.metadata["high"]),
        step=1000 if kind is int else 0.5,
        format=None if kind is int else "%g",
        help=meaning,
        key=key,
    )


def missing(situation: Situation) -> None:
    """Say what has not been measured yet, and lead to where that is done."""
    found = to_measure(situation)
    if not found:
        return
    st.subheader("Not measured yet")
    for one in found:
        command = f"  \n`{one.command}`" if one.command else ""
        st.markdown(f"- {plain(one.sentence)}{command}")
    pages = dict.fromkeys(one.page for one in found if one.page in PLACES)
    with st.container(horizontal=True):
        for name in pages:
            route = PLACES[name]
            st.page_link(route, label=f"Open {route.title}", icon=route.icon)


with sentences():
    evidence = measured()
    with st.container(border=True):
        use, prices = asked(), price_inputs(lab.home)
    situation = Situation(use, evidence, prices)
    advice = advise(situation)
    headline(advice, evidence)
    reasons(advice)
    flips(advice)
    break_even(situation)
    missing(situation)
    with st.container(horizontal=True):
        st.download_button(
            "Markdown",
            to_markdown(advice, situation),
            "advice.md",
            "text/markdown",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "JSON",
            json.dumps(as_json(advice, situation), ensure_ascii=False, indent=2),
            "advice.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
