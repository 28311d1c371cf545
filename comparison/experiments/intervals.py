"""Shares and differences with their 95 % intervals, as numbers and in words."""

from collections.abc import Sequence
from statistics import mean

import numpy as np

from comparison.statistics.share import share_interval

_DRAWS = 10_000


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the ends of a share's interval, from 0 to 1; all of that where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share = share_interval(hits, of)
    return share.low, share.high


def difference_interval(changes: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Return the interval of a mean difference by the paired percentile bootstrap.

    To the questions comes one that speaks for either side, so that a few that all agree are not
    taken for certainty. Sources: Efron and Tibshirani 1993, ch. 13; Agresti and Caffo 2000.

    Args:
        changes: of each question, from -1 to 1, or up to 2 in an interaction.
        seed: of the draws.
    """
    of = len(changes) + 2
    distinct, counts = np.unique(np.array([*changes, -1.0, 1.0]), return_counts=True)
    # Drawing questions is drawing how often each value comes.
    drawn = np.random.default_rng(seed).multinomial(of, counts / of, size=_DRAWS)
    low, high = np.quantile(drawn @ distinct / of, (0.025, 0.975))
    return float(low), float(high)


def said_share(hits: int, of: int, what: str = "") -> str:
    """Say a share with its interval: "24 of 30 questions (80 %, 63–90 %)"."""
    if not of:
        return "0 of 0" + (f" {what}" if what else "")
    low, high = wilson(hits, of)
    counted = f"{hits} of {of}" + (f" {what}" if what else "")
    return f"{counted} ({hits / of:.0%}, {low * 100:.0f}–{high:.0%})".replace("%", " %")


def said_points(middle: float, low: float, high: float) -> str:
    """Say a difference of shares with its interval: "−20 points (−33 to −7)"."""
    return f"{points(middle)} points ({points(low)} to {points(high)})"


def said_change(changes: Sequence[float]) -> str:
    """Say a mean difference with its interval, and where it may be none, that too."""
    low, high = difference_interval(changes)
    said = said_points(mean(changes), low, high)
    return said if low > 0 or high < 0 else f"no difference can be told, {said}"


def points(value: float) -> str:
    """Say a difference of shares in points: "+12", "−7", "0"."""
    return f"{round(value * 100):+d}".replace("-", "−").replace("+0", "0")
