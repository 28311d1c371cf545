"""The pairs of answers in an evaluation, without names: what a judge compares."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from comparison.blind import plain_form
from comparison.evaluation.kept import Evaluation, read_evaluation
from comparison.evaluation.rows import read_rows, version
from comparison.judge.case import Case, Judgement
from comparison.judge.judge import Judge
from comparison.judge.kept import judging_folder, read_judgements

SAME = "the same words"
"""Two answers that don't differ are a tie, and no judge is asked."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The answers of two columns to one question."""

    number: int
    """Of the question, from 0."""
    first: str
    """The label of a column."""
    second: str
    case: Case

    @property
    def same(self) -> bool:
        """Are the answers the same, so that there is nothing to judge?"""
        return self.case.texts[0] == self.case.texts[1]

    def preferred(self, judgement: Judgement | None) -> str:
        """Return the label of the preferred one, or why there is none."""
        if self.same or judgement is None:
            return SAME
        said = judgement.said
        return (self.first, self.second)[said] if isinstance(said, int) else said


def pairs_of(evaluation: Evaluation) -> Sequence[Pair]:
    """Return all pairs of answers to the same question, question by question."""
    return _pairs(evaluation.folder, version(evaluation.folder))


def left_to_judge(evaluation: Evaluation, judge: Judge) -> int:
    """Return how many pairs of answers a judge has not judged yet."""
    judgements = read_judgements(judging_folder(evaluation, judge))
    return len(
        {
            pair.case.digest
            for pair in pairs_of(evaluation)
            if not pair.same and pair.case.digest not in judgements
        }
    )


@functools.lru_cache(maxsize=2)
def _pairs(folder: Path, _rows: tuple[int, int]) -> tuple[Pair, ...]:
    by_number: dict[int, dict[str, Any]] = {}
    for row in read_rows(folder):
        by_number.setdefault(row["number"], {})[row["column"]] = row
    labels = [column.label for column in read_evaluation(folder).columns]
    pairs = []
    for number, rows in by_number.items():
        said = {label: plain_form(row["answer"]) for label, row in rows.items()}
        for first, second in combinations([one for one in labels if one in rows], 2):
            row = rows[first]
            case = Case(
                row["question"],
                tuple(row["expected"]),
                row["unanswerable"],
                (said[first], said[second]),
            )
            pairs.append(Pair(number, first, second, case))
    return tuple(pairs)
