"""A measured figure with the interval in which the true one lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

from comparison.statistics.interval import Interval, Z
from comparison.statistics.quantile import quantile_interval
from comparison.statistics.share import share_interval


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def at(self, share: float) -> "Figure":
        """Return the figure moved towards the end of its interval.

        Args:
            share: of the way, from −1 (to the low end) to 1 (to the high end).
        """
        way = self.high - self.value if share > 0 else self.value - self.low
        return replace(self, value=self.value + share * way)


def share_of(found: Sequence[bool]) -> Figure | None:
    """Return how many of the answers are so, from 0 to 1; None where there are none."""
    return _figure(share_interval(sum(found), len(found))) if found else None


def mean_of(values: Sequence[float], most: float = math.inf) -> Figure | None:
    """Return the mean, with the interval of a normal distribution; None where there is nothing.

    One value alone has no interval that could be told: its own is the value.

    Args:
        values: each from 0 on.
        most: that a value can be.
    """
    if not values:
        return None
    middle = mean(values)
    error = Z * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Figure(middle, max(0.0, middle - error), min(most, middle + error))


def percentile_of(values: Sequence[float], percent: int) -> Figure | None:
    """Return the nearest-rank percentile; None where there is nothing."""
    return _figure(quantile_interval(values, percent / 100)) if values else None


def _figure(interval: Interval) -> Figure:
    return Figure(interval.value, interval.low, interval.high)
