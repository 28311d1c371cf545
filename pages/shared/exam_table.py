"""The questions of an exam in a table, to look at and to strike out."""

from collections.abc import Callable, Collection, Sequence

import pandas as pd
import streamlit as st

from comparison.exams.exam import POOLS, ExamQuestion
from comparison.exams.kept import pools_of
from comparison.exams.leaks import Leak
from finetune_backend.examples.wording import fold

_MOST_ROWS = 1_000
_STRIKE = "strike"

Strike = Callable[[Collection[int]], None]
"""Takes the places of questions, from 0."""


def exam_table(questions: Sequence[ExamQuestion], key: str, strike: Strike) -> None:
    """Show an exam's questions.

    Args:
        questions: all of them.
        key: of the table; another one is drawn afresh.
        strike: strikes questions out.
    """
    left, right = st.columns(2, vertical_alignment="bottom")
    pools = [pool for pool, count in pools_of(questions).items() if count]
    pool = left.selectbox(
        "Pool", [None, *pools], format_func=lambda one: (one or "all").capitalize()
    )
    text = right.text_input("Search", key="exam-search")
    shown = [
        place
        for place, one in enumerate(questions)
        if (pool is None or _pool(one) == pool) and (not text or _says(one, fold(text)))
    ]
    if not shown:
        st.caption("No question fits.")
        return
    table = pd.DataFrame(
        [
            {
                _STRIKE: False,
                "number": place + 1,
                "question": questions[place].question,
                "answers": " | ".join(questions[place].answers) or "–",
                "pool": _pool(questions[place]) or "",
                "document": questions[place].document or "",
            }
            for place in shown[:_MOST_ROWS]
        ]
    )
    edited = st.data_editor(
        table,
        # What was ticked in one table must never be taken for rows of another.
        key=f"{key}-{pool}-{text}",
        hide_index=True,
        height=min(460, 38 * (len(table) + 1)),
        disabled=[name for name in table.columns if name != _STRIKE],
        column_config={
            _STRIKE: st.column_config.CheckboxColumn(
                "Strike", width="small", help="Strikes the question out, with the button below."
            ),
            "number": st.column_config.NumberColumn("No.", width="small"),
            "question": st.column_config.TextColumn("Question", width="large"),
            "answers": st.column_config.TextColumn("Answers", width="medium"),
            "pool": "Pool",
            "document": "Document",
        },
    )
    if len(shown) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS:,} of {len(shown):,} are shown; search for others.")
    ticked = [
        shown[row] for row, chosen in enumerate(edited[_STRIKE]) if chosen and row < len(shown)
    ]
    label = {0: "Strike out", 1: "Strike out 1 question"}.get(
        len(ticked), f"Strike out {len(ticked):,} questions"
    )
    if st.button(label, icon=":material/strikethrough_s:", disabled=not ticked):
        strike(ticked)


def leak_table(leaks: Sequence[Leak], strike: Strike) -> None:
    """Show the questions that were trained on, each with what was trained on.

    Args:
        leaks: at least one.
        strike: strikes questions out.
    """
    st.dataframe(
        pd.DataFrame(
            [
                (leak.place + 1, leak.question, leak.beside, "yes" if leak.exact else "nearly")
                for leak in leaks[:_MOST_ROWS]
            ],
            columns=["No.", "Question", "Trained on", "Same"],
        ),
        hide_index=True,
    )
    if len(leaks) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS:,} of {len(leaks):,} are shown.")
    if st.button(
        "Strike out what was trained on",
        icon=":material/delete_sweep:",
        help="Undo brings it back.",
    ):
        strike([leak.place for leak in leaks])


def _pool(question: ExamQuestion) -> str | None:
    return POOLS[-1] if question.unanswerable else question.pool


def _says(question: ExamQuestion, wanted: str) -> bool:
    return any(wanted in fold(text) for text in (question.question, *question.answers))
