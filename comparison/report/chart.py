"""Charts of a report, drawn as SVG: a point for each column, with its interval."""

import html
import math
from collections.abc import Iterator

from comparison.report.blocks import Chart

_WIDTH, _MARGIN = 420, 14
_ROW, _BELOW = 44, 26
"""Heights, in the units of the drawing: a label with its interval below it, and the axis."""
_TICKS = 4


def draw(chart: Chart) -> str:
    """Return a chart as an SVG element, which takes its colours from the page.

    Labels stand above the intervals, so that it can be read on a telephone too.
    """
    rows = _ROW * len(chart.bars)
    step = 1 / _TICKS if chart.share else _step(max(one.high for _, one in chart.bars))
    said = "; ".join(f"{label} {_value(one.value, chart)}" for label, one in chart.bars)
    parts = [
        f'<svg role="img" viewBox="0 0 {_WIDTH} {rows + _BELOW}" '
        f'aria-label="{html.escape(f"{chart.said}: {said}")}">',
        *_axis(chart, step, rows),
    ]
    for number, (label, interval) in enumerate(chart.bars):
        top = number * _ROW
        left, right, point = (
            _MARGIN + value / (_TICKS * step) * (_WIDTH - 2 * _MARGIN)
            for value in (interval.low, interval.high, interval.value)
        )
        value = f"{_value(interval.value, chart)} ({_value(interval.low, chart)} to "
        value += f"{_value(interval.high, chart)})"
        parts += [
            f'<text x="{_MARGIN}" y="{top + 16}">{html.escape(label)}</text>',
            f'<text class="value" x="{_WIDTH - _MARGIN}" y="{top + 16}">{value}</text>',
            f'<line class="interval" x1="{left:.1f}" x2="{right:.1f}" y1="{top + 30}" '
            f'y2="{top + 30}"/>',
            f'<circle cx="{point:.1f}" cy="{top + 30}" r="5"/>',
        ]
    return "\n".join((*parts, "</svg>"))


def _axis(chart: Chart, step: float, rows: int) -> Iterator[str]:
    for tick in range(_TICKS + 1):
        x = _MARGIN + tick / _TICKS * (_WIDTH - 2 * _MARGIN)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{rows}"/>'
        anchor = "start" if tick == 0 else "end" if tick == _TICKS else "middle"
        where = f'x="{x:.1f}" y="{rows + 17}" text-anchor="{anchor}"'
        yield f'<text class="tick" {where}>{_value(tick * step, chart)}</text>'


def _step(highest: float) -> float:
    """Return a round step, of which `_TICKS` reach a value."""
    wanted = max(highest, 1.0) / _TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= wanted)


def _value(value: float, chart: Chart) -> str:
    return f"{value:.0%}" if chart.share else f"{value:,.0f}"
