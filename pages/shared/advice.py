"""An advice drawn: its sentence, its reasons, what would change it, and what methods cost."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain

if TYPE_CHECKING:
    from comparison.advice.advise import Advice
    from comparison.advice.measured import Evidence
    from comparison.advice.rules import Situation

_COLOURS = {"low": "orange", "medium": "blue", "high": "green"}
_UNIT_LABELS = {"money": "Money", "seconds": "Time", "watt_hours": "Energy"}


def headline(advice: "Advice", evidence: "Evidence") -> None:
    """Draw the advice, how sure it is, and the smallest change that changes it."""
    with st.container(border=True):
        st.subheader(plain(advice.sentence), anchor=False)
        st.markdown(
            f":{_COLOURS[advice.confidence]}-badge[Confidence: {advice.confidence}] "
            f"{plain(advice.why)}",
            help="high: all that is not ruled out was measured with 30 questions or more, the best "
            "leads by a point or more, and no figure within its 95 % interval changes the advice. "
            "medium: the best and the next were measured with 10 or more. low: all else, and ties.",
        )
        st.markdown(f"**What would change it:** {plain(advice.smallest())}")
        said = (
            f"From {plain(evidence.name + evidence.unfinished)}"
            if evidence.name
            else "From no evaluation"
        )
        run = f" and the fine-tune {plain(evidence.run.name)}" if evidence.run else ""
        st.caption(f":material/science: {said}{run}.")


def reasons(advice: "Advice") -> None:
    """Draw what every rule says, as sentences and as points."""
    import pandas as pd

    from comparison.advice.report import points_said
    from comparison.advice.rules import NAMES

    st.subheader("Reasons")
    st.markdown(
        "\n".join(
            f"- **{plain(reason.rule)}:** {plain(reason.sentence)} :gray[{plain(reason.source)}]"
            for reason in advice.reasons
        )
    )
    rows = [
        {
            "Rule": reason.rule,
            **{
                label: points_said(reason.points.get(name), name in reason.excludes)
                for name, label in NAMES.items()
            },
            "Weight": f"{reason.weight:g}",
            "Source": reason.source,
        }
        for reason in advice.reasons
    ]
    total = {label: f"{advice.scores[name]:+.2f}" for name, label in NAMES.items()}
    rows.append({"Rule": "Sum", **total, "Weight": "", "Source": ""})
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "Rule": st.column_config.TextColumn("Rule", pinned=True),
            "Weight": st.column_config.TextColumn(
                help="Points for a whole pull: the most that the rule gives or takes, about."
            ),
        },
    )


def flips(advice: "Advice") -> None:
    """Draw what else would change the advice, the smallest change first."""
    if len(advice.flips) < 2:
        return
    with st.expander(f"All {len(advice.flips)} changes that would change it"):
        st.markdown("\n".join(f"- {plain(flip.sentence())}" for flip in advice.flips))


def break_even(situation: "Situation") -> None:
    """Draw what a month costs by its questions, and where methods cross."""
    import altair as alt
    import pandas as pd

    from comparison.advice.break_even import UNITS, assumption, costs, crossovers, curve, left_out
    from comparison.advice.rules import MEASURED_NAMES

    by_unit = {
        unit: found
        for unit in _UNIT_LABELS
        if (found := costs(situation.evidence, situation.use, situation.prices, unit))
    }
    st.subheader("Break-even")
    if not by_unit:
        st.caption("Nothing was measured yet that has a cost.")
        return
    unit = st.segmented_control(
        "Counted in",
        list(by_unit),
        default=next(iter(by_unit)),
        format_func=_UNIT_LABELS.__getitem__,
    )
    unit = unit or next(iter(by_unit))  # it can be cleared
    found = by_unit[unit]
    places = crossovers(found)
    st.markdown("\n".join(f"- {plain(place.sentence(MEASURED_NAMES))}" for place in places))
    points = pd.DataFrame(curve(found, places), columns=["method", "questions", "cost"])
    points["method"] = points["method"].map(MEASURED_NAMES)
    title = f"A month, in {UNITS[unit]}"
    st.altair_chart(
        alt.Chart(points)
        .mark_line()
        .encode(
            x=alt.X(
                "questions:Q",
                title="Questions a month",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format="~s", tickCount=6),
            ),
            y=alt.Y(
                "cost:Q",
                title=title,
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format=",.8~g", tickCount=6),
            ),
            color=alt.Color("method:N", title=None, legend=alt.Legend(orient="bottom", columns=2)),
            tooltip=[
                "method",
                alt.Tooltip("questions:Q", format=",.0f"),
                alt.Tooltip("cost:Q", format=",.4g"),
            ],
        )
        .properties(height=420),
        width="stretch",
    )
    st.caption(
        f"{assumption(found, MEASURED_NAMES)} Fine-tuned alone, a model learns again with every "
        "change; hybrid reads what is new. What retrieval takes to index is not counted. "
        "A thousand questions: "
        + ", ".join(f"{MEASURED_NAMES[c.method]} {1000 * c.question.value:,.4g}" for c in found)
        + "."
    )
    use, prices = situation.use, situation.prices
    if out := left_out(situation.evidence, use, prices, unit, MEASURED_NAMES):
        st.caption(f":material/block: {plain(out)}")
