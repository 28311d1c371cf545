"""Charts of a report, drawn as SVG: a point for each figure, with its interval."""

import html
import math
from collections.abc import Iterator, Sequence

from comparison.report.blocks import Chart, number, numbers

_WIDTH, _MARGIN = 420, 14
_ROW, _BELOW = 44, 26
"""Heights, in the units of the drawing: a label with its interval below it, and the axis."""
_TICKS = 4


def draw(chart: Chart) -> str:
    """Return a chart as an SVG element, which takes its colours from the page.

    Labels stand above the intervals, so that it can be read on a telephone too.
    """
    rows, ticks = _ROW * len(chart.bars), _ticks(chart)
    said = "; ".join(f"{label} {_value(one.value, chart)}" for label, one in chart.bars)
    parts = [
        f'<svg role="img" viewBox="0 0 {_WIDTH} {rows + _BELOW}" '
        f'aria-label="{html.escape(f"{chart.said}: {said}")}">',
        *_axis(chart, ticks, rows),
    ]
    for place, (label, interval) in enumerate(chart.bars):
        top = place * _ROW
        left, right, point = (
            _across(value, ticks) for value in (interval.low, interval.high, interval.value)
        )
        value = f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"
        parts += [
            f'<text x="{_MARGIN}" y="{top + 16}">{html.escape(label)}</text>',
            f'<text class="value" x="{_WIDTH - _MARGIN}" y="{top + 16}">'
            f"{value if chart.share else numbers(interval)}</text>",
            f'<line class="interval" x1="{left:.1f}" x2="{right:.1f}" y1="{top + 30}" '
            f'y2="{top + 30}"/>',
            f'<circle cx="{point:.1f}" cy="{top + 30}" r="5"/>',
        ]
    return "\n".join((*parts, "</svg>"))


def _axis(chart: Chart, ticks: Sequence[float], rows: int) -> Iterator[str]:
    for tick in ticks:
        x = _across(tick, ticks)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{rows}"/>'
        anchor = "start" if tick == ticks[0] else "end" if tick == ticks[-1] else "middle"
        where = f'x="{x:.1f}" y="{rows + 17}" text-anchor="{anchor}"'
        yield f'<text class="tick" {where}>{_value(tick, chart)}</text>'


def _across(value: float, ticks: Sequence[float]) -> float:
    """Return where a value stands from the left."""
    return _MARGIN + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (_WIDTH - 2 * _MARGIN)


def _ticks(chart: Chart) -> list[float]:
    """Return round numbers between which all lies, 0 among them."""
    if chart.share:
        return [tick / _TICKS for tick in range(_TICKS + 1)]
    lowest = min(0.0, *(one.low for _, one in chart.bars))
    highest = max(0.0, *(one.high for _, one in chart.bars))
    if lowest == highest:
        highest = 1.0
    step = _step(highest - lowest)
    first, last = math.floor(lowest / step), math.ceil(highest / step)
    return [tick * step for tick in range(first, last + 1)]


def _step(reach: float) -> float:
    """Return a round step, of which `_TICKS` are as long as a reach, or a little longer."""
    wanted = reach / _TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= wanted)


def _value(value: float, chart: Chart) -> str:
    return f"{value:.0%}" if chart.share else number(value)
