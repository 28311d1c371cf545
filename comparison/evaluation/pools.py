"""What each column got right in each of an exam's three pools."""

from collections.abc import Sequence
from dataclasses import dataclass

from comparison.exams.exam import POOLS, TRAINED, UNANSWERABLE, UNTRAINED
from comparison.scoring import Row
from comparison.statistics.interval import Interval
from comparison.statistics.share import share_interval

MEANINGS = {
    TRAINED: "trained, in other wordings",
    UNTRAINED: "in the documents, never trained",
    UNANSWERABLE: "not answered by the documents",
}


@dataclass(frozen=True, slots=True)
class Pool:
    """The questions of one pool."""

    name: str
    """One of `comparison.exams.exam.POOLS`."""
    questions: int
    """How many of them any column has answered."""
    right: dict[str, Interval]
    """The share that was right, by the column's label."""

    @property
    def meaning(self) -> str:
        """Say in a few words what its questions ask for."""
        return MEANINGS[self.name]


def pools(rows: Sequence[Row], labels: Sequence[str]) -> list[Pool]:
    """Return the pools that have questions, in the order of `POOLS`.

    Where the exam doesn't name a question's pool, it follows from whether the question has an
    answer, and from the facts that the adapters were trained on. A question on which these differ,
    or of which nothing is known, belongs to none.

    Args:
        rows: of an evaluation.
        labels: of its columns.
    """
    pool_of = _pools_of(rows)
    made = []
    for pool in POOLS:
        own = [row for row in rows if pool_of[row["number"]] == pool]
        right = {label: [row["right"] for row in own if row["column"] == label] for label in labels}
        if own:
            shares = {one: share_interval(sum(of), len(of)) for one, of in right.items() if of}
            made.append(Pool(pool, len({row["number"] for row in own}), shares))
    return made


def _pools_of(rows: Sequence[Row]) -> dict[int, str | None]:
    learned: dict[int, set[bool]] = {row["number"]: set() for row in rows}
    for row in rows:
        if row["trained"] is not None:
            learned[row["number"]].add(row["trained"])
    return {row["number"]: row["pool"] or _pool(row, learned[row["number"]]) for row in rows}


def _pool(row: Row, learned: set[bool]) -> str | None:
    if row["unanswerable"]:
        return UNANSWERABLE
    if len(learned) != 1:
        return None
    return TRAINED if True in learned else UNTRAINED
