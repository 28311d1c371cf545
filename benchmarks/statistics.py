"""Do intervals hold what they say? ``python -m benchmarks.statistics``

Three minutes. Exams are drawn whose truth is known, again and again, each with another truth,
and it is counted how often the product's 95 % intervals hold it: for shares, for paired
differences of right and wrong answers, and for means and paired differences of scores between 0
and 1 such as F1. ``interval_coverage`` is, of all kinds and sizes, that farthest from 95 %; its
``runs`` are all of them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.report import figure, print_report, tell
from comparison.statistics.bootstrap import difference_interval, mean_interval
from comparison.statistics.interval import Interval
from comparison.statistics.share import share_interval

SIZES = (30, 72, 150, 300)
"""Questions in an exam."""
_SHARES = 20_000
_PAIRS = 4_000
_SCORES = 1_000
"""Exams drawn of each size; resampling scores takes longest."""

Drawn = tuple[Interval, float]
"""An interval, and the truth that it is to hold."""


def main() -> None:
    """Simulate, and print the report."""
    kinds: tuple[tuple[str, Callable[[int, Any], Drawn], int], ...] = (
        ("shares", _share, _SHARES),
        ("paired right and wrong", _pair, _PAIRS),
        ("mean scores", _score, _SCORES),
        ("paired scores", _paired_scores, _SCORES),
    )
    coverages = []
    for kind, draw_one, times in kinds:
        for size in SIZES:
            draw = np.random.default_rng((len(kind), size))
            coverage = _coverage(draw_one(size, draw) for _ in range(times))
            tell(f"{kind}, {size} questions: {coverage:.1%} of {times:,}")
            coverages.append(coverage)
    farthest = max(coverages, key=lambda one: abs(one - 0.95))
    print_report(
        "statistics",
        [
            figure("interval_coverage", farthest, "share", "higher", 0.93, runs=coverages),
            figure("interval_coverage_most", max(coverages), "share", "lower", 0.97),
        ],
    )


def _coverage(drawn: Iterator[Drawn]) -> float:
    held = [interval.low <= truth <= interval.high for interval, truth in drawn]
    return sum(held) / len(held)


def _share(size: int, draw: Any) -> Drawn:
    truth = float(draw.uniform(0.02, 0.98))
    return share_interval(int(draw.binomial(size, truth)), size), truth


def _pair(size: int, draw: Any) -> Drawn:
    """Draw two methods: how often only one of them is right, and both are."""
    only_first, only_second = draw.uniform(0.02, 0.4, size=2)
    both = draw.uniform(0, 1 - only_first - only_second)
    shares = (only_first, only_second, both, 1 - only_first - only_second - both)
    cell = draw.choice(4, size=size, p=shares)
    first, second = np.isin(cell, (0, 2)), np.isin(cell, (1, 2))
    interval = difference_interval(first.tolist(), second.tolist(), int(draw.integers(2**31)))
    return interval, float(only_first - only_second)


def _score(size: int, draw: Any) -> Drawn:
    whole, none = draw.uniform(0.05, 0.45, size=2)
    scores = _scores(size, draw, whole, none)
    interval = mean_interval(scores.tolist(), int(draw.integers(2**31)))
    return interval, float(whole + (1 - whole - none) / 2)


def _paired_scores(size: int, draw: Any) -> Drawn:
    """Draw two methods that score alike on some questions and each for itself on the others."""
    (whole, more), none, alike = draw.uniform(0.05, 0.45, 2), 0.3, draw.uniform(0.1, 0.7)
    first, second = (_scores(size, draw, share, none) for share in (whole, more))
    second = np.where(draw.random(size) < alike, first, second)
    interval = difference_interval(first.tolist(), second.tolist(), int(draw.integers(2**31)))
    return interval, float((1 - alike) * (whole - more) / 2)


def _scores(size: int, draw: Any, whole: float, none: float) -> Any:
    """Draw scores: some 1, some 0, the others spread over twelfths between, 1/2 on average."""
    kind = draw.random(size)
    partly = draw.integers(1, 12, size=size) / 12
    return np.where(kind < whole, 1.0, np.where(kind < whole + none, 0.0, partly))


if __name__ == "__main__":
    main()
