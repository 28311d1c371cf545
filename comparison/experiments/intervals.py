"""Shares and differences with their 95 % intervals, as numbers and in words."""

from collections.abc import Sequence

from comparison.statistics.bootstrap import change_interval
from comparison.statistics.interval import Interval
from comparison.statistics.share import share_interval


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the ends of a share's interval, from 0 to 1; all of that where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share = share_interval(hits, of)
    return share.low, share.high


def said_share(hits: int, of: int, what: str = "") -> str:
    """Say a share with its interval: "24 of 30 questions (80 %, 63–90 %)"."""
    if not of:
        return "0 of 0" + (f" {what}" if what else "")
    low, high = wilson(hits, of)
    counted = f"{hits} of {of}" + (f" {what}" if what else "")
    return f"{counted} ({hits / of:.0%}, {low * 100:.0f}–{high:.0%})".replace("%", " %")


def said_points(change: Interval) -> str:
    """Say a difference of shares with its interval: "−20 points (−33 to −7)"."""
    return f"{points(change.value)} points ({points(change.low)} to {points(change.high)})"


def said_change(changes: Sequence[float]) -> str:
    """Say a mean difference with its interval, and where it may be none, that too."""
    change = change_interval(changes)
    said = said_points(change)
    return said if change.low > 0 or change.high < 0 else f"no difference can be told, {said}"


def points(value: float) -> str:
    """Say a difference of shares in points: "+12", "−7", "0"."""
    return f"{round(value * 100):+d}".replace("-", "−").replace("+0", "0")
