"""Bootstrap intervals: how far a mean would move if other questions had been asked.

Sources: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13 (percentiles of
resampled means); Hesterberg 2015, "What Teachers Should Know About the Bootstrap", The American
Statistician 69(4) (wider percentiles, since a small sample varies too little); Bonett and Price
2012, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on Paired
Data", J. Educ. Behav. Stat. 37(4) (one pair more for each side).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from comparison.statistics.interval import CONFIDENCE, Interval, Z

RESAMPLES = 4000
_MANY = 5000
"""From so many values on, resampled means lie as a normal distribution says, at no cost."""


def mean_interval(
    values: Sequence[float], seed: int = 0, within: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """Return a mean with the interval of its resampled means.

    Args:
        values: one for each question; at least one.
        seed: of the random choice; the same values give the same interval.
        within: what a value can be at least and at most.
    """
    given = _checked(values)
    return _around(float(given.mean()), given, seed, within, _wider_tail(len(given)))


def difference_interval(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean of ``first - second`` on the same questions, with its paired interval.

    Where all are 0 or 1, one pair is added in favour of each side before resampling: few pairs
    that differ, or none, would otherwise leave no width. That takes the place of wider
    percentiles.

    Args:
        first: one value from 0 to 1 for each question.
        second: as many, of the same questions in the same order.
        seed: of the random choice.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values are no pairs.")
    return change_interval(_checked(first) - _checked(second), seed)


def change_interval(changes: Sequence[float], seed: int = 0, most: float = 1.0) -> Interval:
    """Return a mean change with its interval; see `difference_interval`.

    Args:
        changes: one for each question: a difference, or a difference of differences.
        seed: of the random choice.
        most: how far from 0 a change can be: 1, or 2 for a difference of differences.
    """
    given = _checked(changes)
    value, tail = float(given.mean()), _wider_tail(len(given))
    if (given == np.round(given)).all():  # answers that are right or not
        given, tail = np.append(given, (1.0, -1.0)), (1 - CONFIDENCE) / 2
    return _around(value, given, seed, (-most, most), tail)


def _checked(values: Sequence[float]) -> Any:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not given.size:
        raise ValueError("No values were given; one for each question was expected.")
    return given


def _around(
    value: float, given: Any, seed: int, within: tuple[float, float], tail: float
) -> Interval:
    count = len(given)
    if count == 1:
        return Interval(value, *within)
    if count > _MANY:
        margin = Z * float(given.std(ddof=1)) / math.sqrt(count)
        mean = float(given.mean())
        return Interval(value, max(within[0], mean - margin), min(within[1], mean + margin))
    low, high = np.quantile(_resampled_means(given, seed), (tail, 1 - tail))
    return Interval(value, float(min(low, value)), float(max(high, value)))


def _resampled_means(given: Any, seed: int) -> Any:
    """Return the means of as many values drawn again, `RESAMPLES` times."""
    # How often each distinct value is drawn is all that counts, and there are often few.
    distinct, counts = np.unique(given, return_counts=True)
    draw = np.random.default_rng(seed)
    drawn = draw.multinomial(len(given), counts / len(given), size=RESAMPLES)
    return drawn @ distinct / len(given)


def _wider_tail(count: int) -> float:
    """Return the share of resampled means to leave out on either side.

    Resampled means vary by √((n−1)/n) less than means do, and t's tails are longer than the
    normal distribution's (Hesterberg 2015, 4.2).
    """
    if count < 2:
        return 0.0
    return NormalDist().cdf(-math.sqrt(count / (count - 1)) * _t(count - 1))


def _t(freedom: int) -> float:
    """Return t's quantile where the normal one is `Z` (Abramowitz and Stegun 1964, 26.7.5)."""
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3
