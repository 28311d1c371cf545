"""Runs drawn side by side: their curves over each other, and what they were given differently."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from finetune_backend.runs import Run

_FEW_POINTS = 3


def overlay(runs: Sequence["Run"]) -> None:
    """Draw one curve for each run, of what is chosen, on a linear or a logarithmic scale."""
    import altair as alt
    import pandas as pd

    from finetune_backend.side_by_side import CURVES, curves

    with st.container(horizontal=True, vertical_alignment="center"):
        what = st.segmented_control(
            "Curve", list(CURVES), default="loss", format_func=_said, key="curve"
        )
        log = st.toggle("Logarithmic", key="curve-log")
    what = what or "loss"
    st.caption(CURVES[what])
    points = pd.DataFrame(curves(runs, what), columns=["run", "step", "value"])
    if log:
        points = points[points["value"] > 0]  # a logarithm has no place for the others
    if points.empty:
        st.caption("Nothing to draw: it was not measured, or is 0 throughout.")
        return
    few = len(points) <= _FEW_POINTS * len(runs) or what in ("recall", "validation_loss")
    st.altair_chart(
        alt.Chart(points)
        .mark_line(interpolate="monotone", point=few)
        .encode(
            x=alt.X("step:Q", title="Step"),
            y=alt.Y(
                "value:Q",
                title=_said(what),
                scale=alt.Scale(type="log" if log else "linear", zero=False),
            ),
            color=alt.Color("run:N", title=None, legend=alt.Legend(orient="bottom", columns=2)),
            tooltip=["run", "step", alt.Tooltip("value:Q", format=".4g")],
        )
        .properties(height=260),
        width="stretch",
    )


def differing(runs: Sequence["Run"]) -> None:
    """Show what the runs were not given alike, side by side."""
    import pandas as pd

    from finetune_backend.side_by_side import differences

    rows = differences(runs)
    if not rows:
        st.caption("All were given the same: the same examples, model, prompt and settings.")
        return
    st.markdown("**What they were given differently**")
    frame = pd.DataFrame(
        {name: "–" if value is None else str(value) for name, value in row.items()} for row in rows
    )
    st.dataframe(frame.rename(columns={"what": "Setting"}), hide_index=True)


def _said(name: str) -> str:
    return name.replace("_", " ").capitalize()
