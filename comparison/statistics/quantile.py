"""The interval of a median, or of another quantile."""

import math
from collections.abc import Sequence

from comparison.statistics.interval import CONFIDENCE, Interval


def quantile_interval(values: Sequence[float], share: float = 0.5) -> Interval:
    """Return a quantile by nearest rank, with an interval that holds for any distribution.

    How many of n values lie below the true quantile is binomial, so that two of them, by their
    rank, are its ends. Source: Hahn and Meeker 1991, "Statistical Intervals", 5.2.

    Args:
        values: in any order; at least one.
        share: 0.5 for the median; more than 0, and less than 1.
    """
    if not values or not 0 < share < 1:
        raise ValueError("Values, and a share between 0 and 1, were expected.")
    ordered, count = sorted(values), len(values)
    tail, below, low = (1 - CONFIDENCE) / 2, 0.0, 0
    high = count - 1
    for rank in range(count):
        below += _binomial(count, rank, share)  # how probable it is that no more lie below
        if below <= tail:
            low = rank
        if below >= 1 - tail:
            high = rank
            break
    middle = max(0, math.ceil(count * share) - 1)
    return Interval(ordered[middle], ordered[min(low, middle)], ordered[max(high, middle)])


def _binomial(count: int, successes: int, share: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    logs = successes * math.log(share) + (count - successes) * math.log1p(-share)
    return math.exp(ways + logs)
