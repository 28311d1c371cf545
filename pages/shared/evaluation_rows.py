"""An evaluation question by question: filters, one question in detail, ask again, download."""

import json
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from pages.shared.source import source_button
from workbench.durations import duration

if TYPE_CHECKING:
    from comparison.evaluation.by_question import Asked
    from comparison.evaluation.kept import Evaluation
    from comparison.evaluation.results import Results
    from comparison.lab import Lab

_MOST_SHOWN = 1000
_ABREAST = 4


def questions(lab: "Lab", evaluation: "Evaluation", found: "Results") -> None:
    """Draw the questions that a filter lets through, and the selected one in detail."""
    import pandas as pd

    from comparison.evaluation.by_question import kinds

    labels, let_through = list(found.measures), kinds(evaluation)
    st.subheader("Questions")
    kind = st.selectbox(
        "Show", list(let_through), format_func=lambda name: f"{name} ({len(let_through[name]):,})"
    )
    chosen = let_through[kind]
    if not chosen:
        st.caption("None of the questions.")
        return
    if len(chosen) > _MOST_SHOWN:
        st.caption(f"The first {_MOST_SHOWN:,} of {len(chosen):,}; the download has all.")
        chosen = chosen[:_MOST_SHOWN]
    frame = pd.DataFrame(
        {
            "#": one.number + 1,
            "Question": one.question,
            "Expected": one.expected,
            **{label: _mark(one, label) for label in labels},
        }
        for one in chosen
    )
    selected = st.dataframe(
        frame,
        key=f"questions-{evaluation.name}-{kind}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height="auto" if len(frame) <= 10 else 400,
    ).selection.rows
    if selected and selected[0] < len(chosen):
        detail(lab, evaluation, chosen[selected[0]])
    else:
        st.caption("Select a question to see its answers side by side.")


def _mark(asked: "Asked", label: str) -> str:
    row = asked.rows.get(label)
    if row is None:
        return "–"
    return "✓" if row["right"] else ("declined" if row["refused"] else "✗")


def detail(lab: "Lab", evaluation: "Evaluation", asked: "Asked") -> None:
    """Show all answers to one question, and offer to ask it again."""
    st.markdown(f"**{plain(asked.question)}**  \nExpected: {plain(asked.expected)}")
    labels = list(asked.rows)
    for start in range(0, len(labels), _ABREAST):
        part = labels[start : start + _ABREAST]
        for label, column in zip(part, st.columns(len(part), border=True), strict=True):
            with column:
                _answer(asked, label)
                if evaluation.complete and labels[1:]:
                    again(lab, evaluation, asked, [label], "Ask again")
    if evaluation.complete:
        again(lab, evaluation, asked, labels, "Ask it again")


def again(
    lab: "Lab", evaluation: "Evaluation", asked: "Asked", labels: list[str], offered: str
) -> None:
    """Offer to ask some columns again."""
    from comparison.evaluation.start import ask_again

    if st.button(
        offered,
        key=f"again-{asked.number}-{'-'.join(labels)}",
        icon=":material/refresh:",
        help="What is answered then takes the place of this.",
    ):
        ask_again(lab, evaluation, [(asked.number, label) for label in labels])
        st.rerun()


def _answer(asked: "Asked", label: str) -> None:
    row = asked.rows[label]
    badge = ":green-badge[right]" if row["right"] else ":red-badge[wrong]"
    st.markdown(
        f"**{plain(label)}** {badge}" + (" :gray-badge[declined]" if row["refused"] else "")
    )
    st.markdown(plain(row["answer"]) or "It said nothing.")
    said = duration(row["latency_ms"] / 1000) if row["latency_ms"] >= 1000 else ""
    said = said or f"{row['latency_ms']:.0f} ms"
    if row["groundedness"] is not None:
        said += f" · grounded {row['groundedness']:.0%}"
    if row.get("option_chosen"):
        said += f" · likeliest option: {plain(row['option_chosen'])}"
    st.caption(said)
    for number, source in enumerate(row["sources"]):
        page = f", p. {source['page']}" if source["page"] else ""
        with st.expander(f"{plain(source['document'])}{page}", icon=":material/visibility:"):
            st.markdown(plain(source["text"]))
            key = f"open-{asked.number}-{label}-{number}"
            source_button(key, source["document"], source["page"], source["text"])


def downloads(evaluation: "Evaluation", found: "Results") -> None:
    """Offer the rows as CSV, and everything as JSON."""
    from comparison.evaluation.results import as_json
    from comparison.report.table import to_csv

    st.download_button(
        "CSV",
        lambda: to_csv(found),
        f"{evaluation.name}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="A row for each answer.",
    )
    st.download_button(
        "JSON",
        lambda: json.dumps(as_json(evaluation, found), ensure_ascii=False, indent=2).encode(),
        f"{evaluation.name}.json",
        "application/json",
        icon=":material/download:",
        on_click="ignore",
        help="Figures, verdicts, conditions and rows.",
    )
