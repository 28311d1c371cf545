"""Adapters that differ in their seed alone, taken together."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from comparison.columns import Column
from comparison.scoring import Row
from comparison.statistics.interval import Interval
from comparison.statistics.seeds import seeds_interval
from finetune_backend.runs import Run, list_runs
from workbench.home import Home


@dataclass(frozen=True, slots=True)
class Seeds:
    """One method over several seeds."""

    method: str
    adapters: tuple[str, ...]
    questions: int
    right: Interval
    """The share answered rightly, for other questions and other seeds."""
    lowest: float
    """The share of the seed that was right least often."""
    highest: float

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        return (
            f"{self.method} over {len(self.adapters)} seeds ({', '.join(self.adapters)}): "
            f"{self.right.value:.0%} right, {self.right.low:.0%} to {self.right.high:.0%} for "
            f"other questions and seeds; single seeds {self.lowest:.0%} to {self.highest:.0%}."
        )


def over_seeds(home: Home, columns: Sequence[Column], rows: Sequence[Row]) -> list[Seeds]:
    """Return what columns give together whose fine-tunes differ in their seed alone.

    Args:
        home: where the fine-tunes are; one that was deleted since belongs to no others.
        columns: of an evaluation.
        rows: its rows.
    """
    runs = {run.name: run for run in list_runs(home)}
    groups: dict[tuple[str, object], list[Column]] = defaultdict(list)
    for column in columns:
        if column.adapter in runs:
            groups[column.method, _alike(runs[column.adapter])].append(column)
    made = (_together(group, rows) for group in groups.values() if len(group) > 1)
    return [one for one in made if one is not None]


def _alike(run: Run) -> object:
    """Return what is the same for runs that differ in their seed alone."""
    settings = dataclasses.replace(run.settings, seed=0)
    own = run.name if run.imported else ""  # what it learned from is not known
    return settings, run.examples_sha256, run.checkpoint_sha256, run.prompts, own


def _together(columns: Sequence[Column], rows: Sequence[Row]) -> Seeds | None:
    right = [
        {row["number"]: float(row["right"]) for row in rows if row["column"] == column.label}
        for column in columns
    ]
    answered = sorted(set.intersection(*(set(one) for one in right)))
    if not answered:
        return None
    values = [[one[number] for number in answered] for one in right]
    shares = [sum(one) / len(one) for one in values]
    names = tuple(column.adapter or "" for column in columns)
    return Seeds(
        columns[0].method, names, len(answered), seeds_interval(values), min(shares), max(shares)
    )
