"""What a report is made of, whatever it is written as; all texts are plain, without markup."""

from dataclasses import dataclass

from comparison.statistics.interval import Interval

_WHOLE_FROM = 100


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences, one below the other."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading for each column."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    said: str = ""
    """What it shows, in a few words."""
    folded: bool = False
    """Is it long, so that it is shown when asked for?"""


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures, each with its interval."""

    said: str
    """What they are, with their unit."""
    bars: tuple[tuple[str, Interval], ...]
    """By what they are figures of."""
    share: bool
    """Are they shares, from 0 to 1?"""


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines for a terminal."""

    lines: tuple[str, ...]


Block = Points | Table | Chart | Commands


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under its heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report."""

    title: str
    made: str
    """When and with what it was made: the one line that differs between two of the same."""
    sections: tuple[Section, ...]


def percent(interval: Interval) -> str:
    """Write a share with its interval."""
    return f"{interval.value:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def number(value: float) -> str:
    """Write a number with as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM else f"{value:.3g}"


def numbers(interval: Interval) -> str:
    """Write a number with its interval."""
    return f"{number(interval.value)} ({number(interval.low)} to {number(interval.high)})"


def milliseconds(interval: Interval) -> str:
    """Write a time with its interval."""
    return f"{interval.value:,.0f} ms ({interval.low:,.0f} to {interval.high:,.0f})"
