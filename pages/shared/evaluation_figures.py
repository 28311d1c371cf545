"""What an evaluation found: verdicts first, then the figures with their intervals."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared.plain import plain

if TYPE_CHECKING:
    from comparison.evaluation.kept import Evaluation
    from comparison.evaluation.results import Results
    from comparison.statistics.interval import Interval
    from workbench.home import Home

_VERDICTS_SHOWN = 6
"""Verdicts that are said at once; the others are in the table."""


def figures(home: "Home", evaluation: "Evaluation", found: "Results") -> None:
    """Draw verdicts, the table of metrics, and a chart of one of them."""
    from comparison.evaluation.seeds import over_seeds

    for verdict in found.verdicts[:_VERDICTS_SHOWN]:
        icon = ":material/check_circle:" if verdict.told else ":material/help:"
        said = plain(verdict.sentence)
        st.markdown(f"{icon} **{said}**" if verdict.told else f"{icon} {said}")
    for seeds in over_seeds(home, evaluation.columns, found.rows):
        st.markdown(f":material/casino: {plain(seeds.sentence)}")
    for note in found.notes:
        st.caption(f":material/info: {plain(note)}")
    if found.verdicts:
        with st.expander("All comparisons", icon=":material/compare_arrows:"):
            comparisons(found)
    table(found)
    if found.pools:
        pools(found)
    chart(found)


def comparisons(found: "Results") -> None:
    """Show each pair with its interval and its p-values."""
    import pandas as pd

    st.dataframe(
        pd.DataFrame(
            {
                "First": one.first,
                "Second": one.second,
                "Questions": one.questions,
                "Only first right": one.only_first,
                "Only second right": one.only_second,
                "Points": 100 * one.difference.value,
                "From": 100 * one.difference.low,
                "To": 100 * one.difference.high,
                "p": one.p,
                "p, all together": one.p_together,
            }
            for one in found.verdicts
        ),
        hide_index=True,
        column_config={
            **{
                name: st.column_config.NumberColumn(format="%+.1f", help=meaning)
                for name, meaning in (
                    ("Points", "The first's share of right answers less the second's."),
                    ("From", "Lower end of the 95 % interval: paired bootstrap over questions."),
                    ("To", "Upper end of the 95 % interval: paired bootstrap over questions."),
                )
            },
            **{
                name: st.column_config.NumberColumn(format="%.4f", help=meaning)
                for name, meaning in (
                    ("p", "McNemar's exact test."),
                    ("p, all together", "The same, with all comparisons counted (Holm)."),
                )
            },
        },
    )


def table(found: "Results") -> None:
    """Draw a row for each column of the evaluation, with every metric and its interval."""
    import pandas as pd

    from comparison.evaluation.money import MONEY
    from comparison.metrics import METRICS

    rows = []
    for label, measures in found.measures.items():
        row: dict[str, Any] = {"column": label}
        for metric in METRICS:
            value = measures.get(metric.name)
            between = found.intervals[label].get(metric.name)
            if between is not None and metric.name == "latency_ms":
                ends, late = f"{between.low:.0f}–{between.high:.0f}", measures["latency_ms"]["p95"]
                row[metric.name] = f"{between.value:.0f} ({ends}), p95 {late:.0f}"
            elif between is not None and metric.name == MONEY:
                ends = f"{between.low:,.3g}–{between.high:,.3g}"
                row[metric.name] = f"{between.value:,.3g} ({ends})"
            elif between is not None:
                row[metric.name] = share(between)
            elif value is not None:
                fine = metric.name in ("macro_f1", "watt_hours")
                row[metric.name] = f"{value:.3g}" if fine else f"{value:.0f}"
        rows.append(row)
    shown = [metric for metric in METRICS if any(metric.name in row for row in rows)]
    frame = pd.DataFrame(rows, columns=["column", *(metric.name for metric in shown)])
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            "column": st.column_config.TextColumn("Method", pinned=True),
            **{
                metric.name: st.column_config.TextColumn(
                    said(metric.name),
                    help=f"{metric.meaning} {metric.better.capitalize()} is better.",
                )
                for metric in shown
            },
        },
    )
    st.caption("In brackets: the 95 % interval for other questions like these.")


def pools(found: "Results") -> None:
    """Draw a row for each pool of the exam, with the share that each column got right."""
    import pandas as pd

    st.dataframe(
        pd.DataFrame(
            {
                "Pool": pool.meaning.capitalize(),
                "Questions": pool.questions,
                **{label: share(own) for label, own in pool.right.items()},
            }
            for pool in found.pools
        ),
        hide_index=True,
        column_config={"Pool": st.column_config.TextColumn(pinned=True)},
    )
    st.caption("Answered rightly in each pool of the exam, with the 95 % interval.")


def share(of: "Interval") -> str:
    """Write a share with its interval."""
    return f"{of.value:.0%} ({of.low:.0%}–{of.high:.0%})"


def chart(found: "Results") -> None:
    """Draw one metric of all columns, with intervals."""
    import altair as alt
    import pandas as pd

    from comparison.evaluation.money import MONEY
    from comparison.metrics import METRICS

    measured = {metric for own in found.intervals.values() for metric in own}
    names = [metric.name for metric in METRICS if metric.name in measured]
    meanings = {metric.name: metric.meaning for metric in METRICS}
    name = st.selectbox("Chart", names, format_func=said, key="evaluation-chart")
    st.caption(meanings[name])
    frame = pd.DataFrame(
        [
            (label, own[name].value, own[name].low, own[name].high)
            for label, own in found.intervals.items()
            if name in own
        ],
        columns=["column", "value", "low", "high"],
    )
    shares = name not in ("latency_ms", MONEY)
    across = alt.Scale(domain=[0, 1]) if shares else alt.Scale(zero=True)
    axis = alt.Axis(format="%" if shares else "", title=said(name))
    drawn = alt.Chart(frame).encode(
        y=alt.Y("column:N", title=None, sort=None, axis=alt.Axis(labelLimit=160)),
        tooltip=[
            "column",
            *(
                alt.Tooltip(f"{end}:Q", format=".1%" if shares else ",.4~g")
                for end in frame.columns[1:]
            ),
        ],
    )
    ends = drawn.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=across, axis=axis), x2="high:Q", color=_coloured()
    )
    points = drawn.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("value:Q", scale=across), color=_coloured()
    )
    st.altair_chart((ends + points).properties(height=60 + 36 * len(frame)), width="stretch")


def _coloured() -> Any:
    import altair as alt

    return alt.Color("column:N", legend=None, sort=None)


def said(metric: str) -> str:
    """Name a metric as a heading does."""
    names = {
        "f1": "F1",
        "macro_f1": "Macro F1",
        "ndcg": "nDCG",
        "latency_ms": "Latency, ms",
        "money_per_1000": "Money per 1,000 questions",
    }
    return names.get(metric, metric.replace("_ms", ", ms").replace("_", " ").capitalize())
