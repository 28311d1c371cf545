"""A figure with its uncertainty."""

from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Standard deviations from the mean to either end of a normal interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What was measured, and between which ends 95 % of such measurements hold the truth."""

    value: float
    low: float
    high: float

    @property
    def margin(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2
