"""A measured figure with the interval in which the true one lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

_CONFIDENT = 1.96  # standard errors on each side of 95 %


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
    """Return how many of the answers are so, from 0 to 1; None where there are none.

    The interval is Wilson's: E. B. Wilson 1927, "Probable Inference, the Law of Succession, and
    Statistical Inference", JASA 22.
    """
    if not found:
        return None
    low, high = _wilson(sum(found) / len(found), len(found))
    return Figure(sum(found) / len(found), low, high)


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
    error = _CONFIDENT * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Figure(middle, max(0.0, middle - error), min(most, middle + error))


def percentile_of(values: Sequence[float], percent: int) -> Figure | None:
    """Return the nearest-rank percentile; None where there is nothing.

    Its interval lies between the ranks at which Wilson's interval of the share ends: the number
    of values below the true percentile is binomial (Conover 1999, "Practical Nonparametric
    Statistics", ch. 3.2).
    """
    if not values:
        return None
    ordered = sorted(values)
    ends = _wilson(percent / 100, len(ordered))
    return Figure(*(_at(ordered, share) for share in (percent / 100, *ends)))


def _at(ordered: Sequence[float], share: float) -> float:
    # Rounded, as 0.95 × 20 may come out a little over 19.
    return ordered[max(0, min(len(ordered), math.ceil(round(share * len(ordered), 9))) - 1)]


def _wilson(share: float, count: int) -> tuple[float, float]:
    square = _CONFIDENT**2
    middle = share + square / (2 * count)
    way = _CONFIDENT * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    whole = 1 + square / count
    # Within 0 and 1, and around the share, whatever rounding does.
    return min(share, max(0.0, (middle - way) / whole)), max(
        share, min(1.0, (middle + way) / whole)
    )
