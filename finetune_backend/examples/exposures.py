"""How often a fine-tune sees each fact."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from finetune_backend.settings import TrainSettings, fit_to_data
from workbench.values import Example

RARE = 0.5
"""Of the median: a fact that is seen less often than this stands out."""


@dataclass(frozen=True, slots=True)
class Exposures:
    """How often each fact is seen: once for each of its rows in every epoch."""

    epochs: int
    median: float
    """Times that a fact is seen."""
    facts: tuple[tuple[int, int], ...]
    """How many facts are seen how often: times and facts, the fewest times first."""
    rare: tuple[tuple[str, int], ...]
    """The facts seen less than half as often as the median, with their times."""


def count_exposures(examples: Sequence[Example], settings: TrainSettings) -> Exposures:
    """Count how often a fine-tune with these settings sees each fact.

    Args:
        examples: at least one.
        settings: with or without ``epochs``; where it is 0, the data decides.
    """
    epochs = fit_to_data(settings, examples).epochs
    rows = Counter(example.fact for example in examples)
    times = {fact: count * epochs for fact, count in rows.items()}
    middle = float(median(times.values()))
    return Exposures(
        epochs,
        middle,
        tuple(sorted(Counter(times.values()).items())),
        tuple((fact, seen) for fact, seen in times.items() if seen < RARE * middle),
    )
