"""McNemar's test: is one of two right more often on the same questions?"""

import math


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value.

    Where both are equally good, each question that only one of them gets right is a toss of a
    coin. Source: McNemar 1947, Psychometrika 12(2); exact as in Agresti 2013, "Categorical Data
    Analysis", 11.1.3.

    Args:
        only_first: questions that only the first gets right.
        only_second: questions that only the second does.
    """
    tosses = only_first + only_second
    # Logarithms: 2 to the power of the tosses is soon too large.
    logs = [
        math.lgamma(tosses + 1) - math.lgamma(k + 1) - math.lgamma(tosses - k + 1)
        for k in range(min(only_first, only_second) + 1)
    ]
    half = math.fsum(math.exp(one - tosses * math.log(2)) for one in logs)
    return min(1.0, 2 * half)
