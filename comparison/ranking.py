"""Metrics of what a search found: where the right ones stand among all.

Definitions as in ir-measures (MacAvaney et al. 2022) and trec_eval: R@k, RR, and nDCG of Järvelin
and Kekäläinen 2002, "Cumulated Gain-Based Evaluation of IR Techniques", ACM TOIS 20(4), with the
discount log2(1 + place).
"""

import math
from collections.abc import Collection, Mapping, Sequence


def recall_at(found: Sequence[str], right: Collection[str], most: int) -> float:
    """Return the share of the right ones that are among the first ``most`` found.

    Args:
        found: best first, each once.
        right: at least one.
        most: how many count.
    """
    return sum(one in right for one in found[:most]) / len(right)


def reciprocal_rank(found: Sequence[str], right: Collection[str]) -> float:
    """Return 1 / the place of the first right one found; 0 where there is none."""
    places = (place for place, one in enumerate(found, start=1) if one in right)
    return 1 / next(places, math.inf)


def ndcg(found: Sequence[str], gains: Mapping[str, float]) -> float:
    """Return the gains of what was found, beside those of the best order, from 0 to 1.

    Args:
        found: best first, each once.
        gains: how right each is; those that are missing are not.
    """
    best = _discounted(sorted(gains.values(), reverse=True))
    return _discounted([gains.get(one, 0.0) for one in found]) / best if best else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(1 + place) for place, gain in enumerate(gains, start=1))
