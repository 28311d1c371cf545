"""An evaluation question by question: who was right on it."""

import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison.evaluation.kept import Evaluation, read_evaluation
from comparison.evaluation.results import results
from comparison.evaluation.rows import version
from comparison.scoring import Row


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with the answers to it."""

    number: int
    """From 0."""
    rows: dict[str, Row]
    """By the column's label, in the columns' order."""

    @property
    def question(self) -> str:
        """As it was asked."""
        return str(next(iter(self.rows.values()))["question"])

    @property
    def expected(self) -> str:
        """What was to be answered."""
        row = next(iter(self.rows.values()))
        if row["unanswerable"]:
            return "no answer"
        return " or ".join(row["expected"]) or "a form"

    @property
    def unanswerable(self) -> bool:
        """Is there no answer to it?"""
        return bool(next(iter(self.rows.values()))["unanswerable"])

    def right(self) -> list[str]:
        """Return the labels of those that were right."""
        return [label for label, row in self.rows.items() if row["right"]]


def by_question(rows: Sequence[Row], labels: Sequence[str]) -> list[Asked]:
    """Put the rows of each question together, in the order of the exam."""
    grouped: dict[int, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        grouped[row["number"]][row["column"]] = row
    return [
        Asked(number, {label: own[label] for label in labels if label in own})
        for number, own in sorted(grouped.items())
    ]


def kinds(evaluation: Evaluation) -> dict[str, list[Asked]]:
    """Return the questions that each filter lets through, by what the filter is called."""
    return _kinds(evaluation.folder, version(evaluation.folder))


# Of 100,000 questions it takes seconds, and a page asks with every click.
@functools.lru_cache(maxsize=2)
def _kinds(folder: Path, _version: tuple[int, int]) -> dict[str, list[Asked]]:
    found = results(read_evaluation(folder))
    labels = list(found.measures)
    asked = by_question(found.rows, labels)
    return {name: list(filter(passes, asked)) for name, passes in filters(labels).items()}


Filter = Callable[[Asked], bool]


def filters(labels: Sequence[str]) -> dict[str, Filter]:
    """Return the ways to choose questions, by what they are called."""

    def only(label: str) -> Filter:
        return lambda asked: asked.right() == [label]

    several = len(labels) > 1
    return {
        "All": lambda asked: True,
        **({f"Only {label} right": only(label) for label in labels} if several else {}),
        "All right": lambda asked: len(asked.right()) == len(asked.rows),
        "All wrong": lambda asked: not asked.right(),
        **({"They disagree": _disagree} if several else {}),
        "Unanswerable": lambda asked: asked.unanswerable,
        "Declined though answerable": _declined,
        "Said nothing or repeats": _odd,
    }


def _disagree(asked: Asked) -> bool:
    return 0 < len(asked.right()) < len(asked.rows)


def _declined(asked: Asked) -> bool:
    return not asked.unanswerable and any(row["refused"] for row in asked.rows.values())


def _odd(asked: Asked) -> bool:
    return any(row["empty"] or row["repeating"] for row in asked.rows.values())
