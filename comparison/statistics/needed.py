"""How many questions it takes to tell a difference."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from comparison.statistics.interval import Z

POWER = 0.8
"""How probable it is to be that a difference which is there is told."""
_Z_POWER = NormalDist().inv_cdf(POWER)


def questions_needed(differences: Sequence[float], difference: float) -> int:
    """Return how many questions would tell a difference with a probability of `POWER`.

    It assumes that the next questions are like those that were asked: that pairs differ as often,
    and by as much. For answers that are right or wrong this is Connor's formula for McNemar's
    test, n = (z₁√ψ + z₂√(ψ − δ²))² / δ², with the share ψ of pairs that differ; for other scores
    ψ is the mean square of their differences. Source: Connor 1987, "Sample Size for Testing
    Differences in Proportions for the Paired-Sample Design", Biometrics 43(1).

    Args:
        differences: what was measured, for each question; at least one.
        difference: the difference δ in their mean that is to be told; not 0.
    """
    if not differences or not difference:
        raise ValueError("Differences were expected, and one to tell that is not 0.")
    delta = abs(difference)
    # One more pair for each side, as in `difference_interval`: none that differ are not for ever.
    squares = (math.fsum(one * one for one in differences) + 2) / (len(differences) + 2)
    squares = max(squares, delta)
    root = Z * math.sqrt(squares) + _Z_POWER * math.sqrt(squares - delta * delta)
    return math.ceil(root * root / (delta * delta))
