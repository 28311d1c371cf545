"""Several tests at once: the more are made, the more would succeed by chance."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold for all tests together, in the order given.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure",
    Scandinavian Journal of Statistics 6(2).
    """
    adjusted, reached = [0.0] * len(p_values), 0.0
    for done, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        reached = max(reached, min(1.0, p_values[place] * (len(p_values) - done)))
        adjusted[place] = reached
    return adjusted
