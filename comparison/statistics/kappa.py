"""Agreement of two who judge the same: a model and a person, for example."""

from collections import Counter
from collections.abc import Hashable, Sequence


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return Cohen's κ: 1 where they always agree, 0 where no more often than by chance.

    κ = (p − q) / (1 − q), with the share p on which they agree and the share q on which they
    would by chance, given how often each says what. Source: Cohen 1960, "A Coefficient of
    Agreement for Nominal Scales", Educational and Psychological Measurement 20(1).

    Args:
        first: what one says of each.
        second: what the other says of the same, in the same order.

    Returns:
        None where nothing was judged, or both always say the same one thing: chance alone would
        agree then.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} judgements are no pairs.")
    count = len(first)
    if not count:
        return None
    of_first, of_second = Counter(first), Counter(second)
    agreed = sum(one == other for one, other in zip(first, second, strict=True)) / count
    chance = sum(of_first[label] * of_second[label] for label in of_first) / count**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)
