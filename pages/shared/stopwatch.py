"""The phases of several answers, one bar each, on one scale."""

from collections.abc import Sequence

import streamlit as st

from comparison.answer import Answer

_COLOURS = {
    "queue": "#94a3b8",
    "search": "#0ea5e9",
    "rerank": "#6366f1",
    "verify": "#a855f7",
    "read": "#f59e0b",
    "write": "#10b981",
}
_BAR_PIXELS, _AROUND_PIXELS = 36, 110


def stopwatch(answers: Sequence[Answer]) -> None:
    """Draw how long each phase of each answer took.

    Args:
        answers: finished, none of them with an error.
    """
    import altair as alt
    import pandas as pd

    titles = [answer.column.title for answer in answers]
    rows = [
        {"column": answer.column.title, "phase": phase, "seconds": ms / 1000, "place": place}
        for answer in answers
        for place, (phase, ms) in enumerate(answer.timings_ms.phases().items())
    ]
    st.altair_chart(
        alt.Chart(pd.DataFrame(rows))
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="Seconds", stack="zero"),
            y=alt.Y("column:N", title=None, sort=titles, axis=alt.Axis(labelLimit=120)),
            color=alt.Color(
                "phase:N",
                title=None,
                scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
                legend=alt.Legend(orient="bottom", columns=3),
            ),
            order=alt.Order("place:Q"),
            tooltip=["column", "phase", alt.Tooltip("seconds:Q", format=".3f")],
        )
        .properties(height=_BAR_PIXELS * len(answers) + _AROUND_PIXELS),
        width="stretch",
    )
    st.caption(
        "read: until the first token came; write: the rest. Asked together, the columns share "
        "this machine, so each one’s times hold what the others took from it."
    )
