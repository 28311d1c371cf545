"""What an experiment found: its figure, its caption, its numbers and how it was made."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import streamlit as st

from comparison.experiments.experiment import Figure
from comparison.experiments.kept import Kept, as_json
from comparison.report.experiment import (
    SHARES,
    experiment_report,
    heading,
    made_with,
    occurring,
)
from comparison.report.table import all_to_csv
from comparison.report.write import to_file
from pages.shared.plain import plain

_POINT_HEIGHT, _BAR_HEIGHT, _GROUP_HEIGHT = 300, 16, 24


def draw_result(kept: Kept) -> None:
    """Draw a complete experiment's result."""
    import pandas as pd

    result = kept.result
    assert result is not None  # it is complete
    st.markdown(f"**{plain(result.caption)}**")
    for figure in result.figures:
        st.altair_chart(_chart(result.table, figure), width="stretch")
    if result.figures:
        st.caption("Lines through the marks are 95 % intervals, unless a note says otherwise.")
    table = pd.DataFrame(result.table)
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        table.rename(columns=heading),
        hide_index=True,
        column_config={heading(name): percent for name in SHARES},
    )
    for note in result.notes:
        st.caption(plain(note))
    if result.changes:
        with st.expander("What was changed in the copies", icon=":material/edit_note:"):
            st.dataframe(pd.DataFrame(result.changes).rename(columns=heading), hide_index=True)


def draw_answers(kept: Kept) -> None:
    """Show every answer and the conditions, and offer all of it as files."""
    import pandas as pd

    rows = kept.rows()
    with st.expander(f"All {len(rows)} answers", icon=":material/table_rows:"):
        st.dataframe(pd.DataFrame(rows), hide_index=True)
    with st.expander("Settings and hashes", icon=":material/fingerprint:"):
        facts = made_with(kept).items()
        st.dataframe(pd.DataFrame(facts, columns=["What", "Value"]), hide_index=True)
    with st.container(horizontal=True):
        if kept.result:
            _download(
                "Report",
                lambda: _report(kept, "html"),
                f"{kept.name}.html",
                "text/html",
                "One page to be handed to somebody: its figures, numbers, settings and hashes.",
            )
            _download(
                "Markdown",
                lambda: _report(kept, "md"),
                f"{kept.name}.md",
                "text/markdown",
                "The same report as text.",
            )
        _download("Answers as CSV", lambda: all_to_csv(rows), f"{kept.name}.csv", "text/csv")
        _download(
            "Everything as JSON",
            lambda: json.dumps(as_json(kept), ensure_ascii=False, indent=2).encode(),
            f"{kept.name}.json",
            "application/json",
        )


def _report(kept: Kept, kind: str) -> bytes:
    return to_file(experiment_report(kept, date.today()), kind)


def _download(
    label: str, make: Callable[[], bytes], file: str, mime: str, meaning: str | None = None
) -> None:
    """Offer a file, which is made when it is asked for."""
    st.download_button(
        label, make, file, mime, icon=":material/download:", on_click="ignore", help=meaning
    )


def _chart(table: Sequence[dict[str, Any]], figure: Figure) -> Any:
    """Return a figure."""
    import altair as alt
    import pandas as pd

    lying = figure.form == "bars"
    frame = pd.DataFrame(occurring(table, figure))
    form = ".1%" if figure.share else ".4~g"
    base = alt.Chart(frame).encode(
        color=alt.Color(
            f"{figure.colour}:N",
            sort=None,
            title=None,
            legend=alt.Legend(orient="bottom", columns=2),
        ),
        tooltip=[
            *(alt.Tooltip(name) for name in (figure.group, figure.colour)),
            *(
                alt.Tooltip(f"{name}:Q", format=form)
                for name in (figure.value, figure.low, figure.high)
            ),
        ],
    )
    value = {
        "title": figure.title,
        "scale": alt.Scale(domain=[0, 1]) if figure.share else alt.Scale(zero=True),
        "axis": alt.Axis(format="%") if figure.share else alt.Axis(),
    }
    if lying:
        return _lying(base, figure, value, frame)
    return _standing(base, figure, value)


def _lying(base: Any, figure: Figure, value: dict[str, Any], frame: Any) -> Any:
    """Draw bars from the left, in groups one below the other: names have room beside them."""
    import altair as alt

    rows = base.encode(
        y=alt.Y(f"{figure.group}:N", sort=None, title=None),
        yOffset=alt.YOffset(f"{figure.colour}:N", sort=None),
    )
    bars = rows.mark_bar().encode(x=alt.X(f"{figure.value}:Q", **value))
    reach = rows.mark_rule().encode(
        x=f"{figure.low}:Q", x2=f"{figure.high}:Q", color=alt.value("gray")
    )
    each = _GROUP_HEIGHT + _BAR_HEIGHT * frame[figure.colour].nunique()
    return (bars + reach).properties(height=int(each * frame[figure.group].nunique()))


def _standing(base: Any, figure: Figure, value: dict[str, Any]) -> Any:
    """Draw points over groups or numbers, with lines between them where they belong together."""
    import altair as alt

    if figure.form == "curve":
        across = alt.X(
            f"{figure.group}:Q",
            title=heading(figure.group),
            scale=alt.Scale(type="log", nice=False, padding=10),
        )
    else:
        turned = alt.Axis(labelAngle=-25, labelLimit=160)
        across = alt.X(f"{figure.group}:N", sort=None, title=None, axis=turned)
    columns = base.encode(x=across)
    if figure.form == "points":  # side by side, so that intervals can be told apart
        columns = columns.encode(xOffset=alt.XOffset(f"{figure.colour}:N", sort=None))
        marks = columns.mark_point(filled=True, size=60)
    else:
        marks = columns.mark_line(point=True)
    reach = columns.mark_rule().encode(y=f"{figure.low}:Q", y2=f"{figure.high}:Q")
    points = marks.encode(y=alt.Y(f"{figure.value}:Q", **value))
    return (reach + points).properties(height=_POINT_HEIGHT)
