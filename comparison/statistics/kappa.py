"""Agreement of two who judge the same: a model and a person, for example."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from comparison.statistics.bootstrap import RESAMPLES
from comparison.statistics.interval import CONFIDENCE, Interval


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


def kappa_interval(
    first: Sequence[Hashable], second: Sequence[Hashable], seed: int = 0
) -> Interval | None:
    """Return `kappa` with the interval of what resampled judgements give.

    Where they always or never agree, one judgement on which it is the other way round is added
    before resampling: there would be no width otherwise.

    Args:
        first: what one says of each.
        second: what the other says of the same, in the same order.
        seed: of the random choice; the same judgements give the same interval.
    """
    value = kappa(first, second)
    if value is None:
        return None
    table = Counter(zip(first, second, strict=True))
    agreements = sum(count for (one, other), count in table.items() if one == other)
    often = Counter(first).most_common(1)[0][0]
    if agreements == len(first):
        table[often, next(label for label in first if label != often)] += 1
    elif not agreements:
        table[often, often] += 1
    pairs, counts = list(table), np.array(list(table.values()), dtype=np.float64)
    draws = np.random.default_rng(seed).multinomial(
        int(counts.sum()), counts / counts.sum(), size=RESAMPLES
    )
    shares = draws / counts.sum()
    labels = {label for pair in pairs for label in pair}
    agreed = shares @ [one == other for one, other in pairs]
    chance = sum(
        (shares @ [one == label for one, _ in pairs])
        * (shares @ [other == label for _, other in pairs])
        for label in labels
    )
    told = chance < 1
    resampled = (agreed[told] - chance[told]) / (1 - chance[told])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Interval(value, float(min(low, value)), float(max(high, value)))
