"""The trials of a sweep: in a table, as lines through their settings, and what mattered."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain

if TYPE_CHECKING:
    from finetune_backend.sweep.sweeps import Sweep

_FEWEST_LINES = 2


def trials(sweep: "Sweep") -> None:
    """Show what the trials were given and what they reached, as far as they are."""
    import pandas as pd

    from finetune_backend.sweep.lines import reached
    from finetune_backend.sweep.trials import nothing_held_out

    if not sweep.trials:
        return
    best = sweep.best
    st.dataframe(
        pd.DataFrame(
            {
                "Trial": trial.number,
                "State": "best" if trial == best else trial.state,
                **dict(trial.params),
                "Recall": reached(trial, "recall"),
                "Validation loss": reached(trial, "validation_loss"),
                "Loss": reached(trial, "loss"),
                "Epochs made": len(trial.epochs),
                "Seconds": trial.seconds,
                "Why": trial.message,
            }
            for trial in sweep.trials
        ),
        hide_index=True,
        column_config={
            "learning_rate": st.column_config.NumberColumn(format="%.2g"),
            "Seconds": st.column_config.NumberColumn(format="%.0f"),
        }
        | {
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("Recall", "Validation loss", "Loss")
        },
    )
    if nothing_held_out(sweep.trials):
        st.caption(
            ":material/info: No wordings are held out, so the trials are compared by their "
            "training loss, which says little about other wordings."
        )
    _lines(sweep)
    _importances(sweep)


def _lines(sweep: "Sweep") -> None:
    """Draw parallel coordinates: a line for each trial, its colour what it reached."""
    import altair as alt
    import pandas as pd

    from finetune_backend.sweep.lines import lines, reached_name

    points, name = lines(sweep), reached_name(sweep)
    if len({point.trial for point in points}) < _FEWEST_LINES:
        return
    frame = pd.DataFrame(
        {
            "Trial": point.trial,
            "State": point.state,
            "Axis": point.axis.replace("_", " "),
            "Value": point.value,
            "Height": point.height,
            "Reached": point.reached,
        }
        for point in points
    )
    axes = list(dict.fromkeys(frame["Axis"]))
    x = alt.X("Axis:N", sort=axes, title=None, axis=alt.Axis(labelAngle=-25))
    drawn = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=x,
            y=alt.Y("Height:Q", axis=None, scale=alt.Scale(domain=[-0.1, 1.1])),
            detail="Trial:N",
            color=alt.Color(
                "Reached:Q",
                title=name.capitalize(),
                scale=alt.Scale(scheme="viridis", reverse=name == "loss"),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=["Trial", "State", "Axis", alt.Tooltip("Value:Q", format=".4g")],
        )
    )
    st.markdown("**Every trial through its settings**")
    st.altair_chart(drawn.properties(height=260), width="stretch")


def _importances(sweep: "Sweep") -> None:
    """Draw how much each setting mattered, or say why that can't be told."""
    import altair as alt
    import pandas as pd

    from finetune_backend.sweep.search import BEFORE_IMPORTANCE

    st.markdown("**How much each setting mattered**")
    if not sweep.importances:
        done = sum(trial.state == "done" for trial in sweep.trials)
        st.caption(
            f"That can be told from {BEFORE_IMPORTANCE} trials on that came to their end and "
            f"reached different results; {done} did so far."
        )
        return
    frame = pd.DataFrame(
        {"Setting": name.replace("_", " "), "Share": share}
        for name, share in sweep.importances.items()
    )
    st.altair_chart(
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("Share:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("Setting:N", sort="-x", title=None),
            tooltip=["Setting", alt.Tooltip("Share:Q", format=".0%")],
        )
        .properties(height=40 + 28 * len(frame)),
        width="stretch",
    )
    st.caption("Each setting's share in how far apart the results are (fANOVA).")


def summary(sweep: "Sweep") -> None:
    """Say in a line what is searched, and which trial is the best so far."""
    searched = ", ".join(
        f"{name.replace('_', ' ')} {within.low:g} to {within.high:g}"
        for name, within in sweep.space.items()
    )
    st.markdown(
        f"{sweep.examples} examples, {sweep.facts} facts, on {plain(sweep.checkpoint)} · {searched}"
    )
    best = sweep.best
    if best is not None:
        given = ", ".join(f"{name.replace('_', ' ')} {v:.3g}" for name, v in best.params.items())
        last = best.epochs[-1]
        said = f"loss {last.loss:.3f}" if last.recall is None else f"recall {last.recall:.0%}"
        st.markdown(f"**Best so far: trial {best.number}**, {said}, with {given}.")
