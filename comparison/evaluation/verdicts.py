"""Verdicts: of two columns, which answers more of the questions rightly, and how surely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from comparison.scoring import Row
from comparison.statistics.bootstrap import difference_interval
from comparison.statistics.holm import holm
from comparison.statistics.interval import Interval
from comparison.statistics.mcnemar import mcnemar
from comparison.statistics.needed import questions_needed

LEVEL = 0.05
"""A difference is told where the p-value is at most so large, all comparisons counted."""
_SMALLEST = 0.05
"""A difference smaller than this would take too many questions to look for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two columns on the questions that both have answered."""

    first: str
    """The label of the one that was right more often."""
    second: str
    questions: int
    only_first: int
    """Questions that only the first got right."""
    only_second: int
    difference: Interval
    """Of the shares that were right, the first's less the second's."""
    p: float
    """Exact McNemar test: how probable it is to be so far apart where both are equally good."""
    p_together: float
    """The same, with all comparisons counted (Holm)."""
    compared: int
    """How many comparisons were made."""
    more: int
    """About how many questions more it takes to tell; 0 where it is told already, or where it
    would probably have been."""
    looked_for: float
    """The difference that ``more`` questions would tell."""

    @property
    def told(self) -> bool:
        """Can a difference be told?"""
        return self.p_together <= LEVEL

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        points, margin = 100 * self.difference.value, 100 * self.difference.margin
        if self.told:
            return (
                f"{self.first} answers {points:.0f} ± {margin:.0f} points more of these "
                f"{self.questions} questions rightly than {self.second}."
            )
        between = f"No difference between {self.first} and {self.second} can be told"
        if not self.only_first and not self.only_second:
            said = f"{between}: they are right on the same of the {self.questions} questions"
        else:
            said = (
                f"{between} on these {self.questions} questions ({points:.0f} ± {margin:.0f} points"
            )
            said += f", {self.compared} comparisons counted)" if self.p <= LEVEL else ")"
        sought = f"one of {100 * self.looked_for:.0f} points"
        if self.more:
            return f"{said}; about {self.more:,} more are needed to tell {sought}."
        return f"{said}; {sought} would probably have been."


def verdicts(rows: Sequence[Row], labels: Sequence[str]) -> list[Verdict]:
    """Return the verdict on each pair of columns, the surest first.

    Args:
        rows: of an evaluation.
        labels: of its columns.
    """
    right = {label: _right(rows, label) for label in labels}
    made = [
        _compare(one, other, right[one], right[other])
        for one, other in combinations(labels, 2)
        if right[one].keys() & right[other].keys()
    ]
    together = holm([one.p for one in made])
    counted = [
        _with_needed(
            replace(one, p_together=p, compared=len(made)),
            right,
        )
        for one, p in zip(made, together, strict=True)
    ]
    return sorted(counted, key=lambda one: (one.p, -one.difference.value))


def comparisons(made: Sequence[Verdict]) -> str:
    """Say how many comparisons were made, and what that means."""
    if len(made) < 2:
        return ""
    return (
        f"{len(made)} comparisons were made. One in twenty would seem to tell a difference by "
        "chance, so the p-values are raised to hold for all of them together (Holm)."
    )


def _right(rows: Sequence[Row], label: str) -> dict[int, float]:
    return {row["number"]: float(row["right"]) for row in rows if row["column"] == label}


def _pairs(
    first: Mapping[int, float], second: Mapping[int, float]
) -> tuple[list[float], list[float]]:
    both = sorted(first.keys() & second.keys())
    return [first[number] for number in both], [second[number] for number in both]


def _compare(
    one: str, other: str, of_one: Mapping[int, float], of_other: Mapping[int, float]
) -> Verdict:
    first, second = _pairs(of_one, of_other)
    if sum(first) < sum(second):
        one, other, first, second = other, one, second, first
    only_first = sum(a > b for a, b in zip(first, second, strict=True))
    only_second = sum(a < b for a, b in zip(first, second, strict=True))
    p = mcnemar(only_first, only_second)
    return Verdict(
        first=one,
        second=other,
        questions=len(first),
        only_first=only_first,
        only_second=only_second,
        difference=difference_interval(first, second),
        p=p,
        p_together=p,
        compared=1,
        more=0,
        looked_for=0.0,
    )


def _with_needed(verdict: Verdict, right: Mapping[str, Mapping[int, float]]) -> Verdict:
    looked_for = max(verdict.difference.value, _SMALLEST)
    if verdict.told:
        return replace(verdict, looked_for=looked_for)
    first, second = _pairs(right[verdict.first], right[verdict.second])
    differences = [a - b for a, b in zip(first, second, strict=True)]
    more = questions_needed(differences, looked_for) - verdict.questions
    return replace(verdict, more=max(0, more), looked_for=looked_for)
