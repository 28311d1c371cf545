"""What a judge makes of an evaluation: of each two columns, whose answers it prefers how often."""

import csv
import functools
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comparison.evaluation.kept import Evaluation, read_evaluation
from comparison.evaluation.rows import version
from comparison.judge.case import UNDECIDED, Judgement
from comparison.judge.kept import (
    Judging,
    judgings,
    read_judgements,
    said_so_far,
)
from comparison.judge.pairs import Pair, pairs_of
from comparison.statistics.bootstrap import difference_interval
from comparison.statistics.interval import Interval
from finetune_backend.examples.write import protect_cell

_CSV_COLUMNS = ("number", "question", "first", "second", "preferred")


@dataclass(frozen=True, slots=True)
class Preference:
    """How often a judge prefers one column's answers to another's."""

    first: str
    """The label of the one that is preferred more often."""
    second: str
    questions: int
    only_first: int
    """Questions on which the first is preferred."""
    only_second: int
    ties: int
    """Both good, both bad, or the same words."""
    undecided: int
    """Something else was said in the opposite order, or could not be read."""
    share: Interval
    """The first's share of wins; ties, and what was not decided, are half a win for each."""

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        share = self.share
        return (
            f"{self.first} beside {self.second}: win share {share.value:.0%} "
            f"({share.low:.0%} to {share.high:.0%}) on {self.questions:,} questions; preferred on "
            f"{self.only_first:,}, the other on {self.only_second:,}, {self.ties:,} ties, "
            f"{self.undecided:,} not decided."
        )


@dataclass(frozen=True, slots=True)
class Opinion:
    """A judge's opinion of an evaluation, as far as it has judged it."""

    judging: Judging
    pairs: int
    judged: int
    """How many of them are counted: those of questions of which all are judged."""
    preferences: tuple[Preference, ...]
    """Of each two columns, the clearest first."""
    rows: tuple[dict[str, Any], ...]
    """What was said of each pair of answers."""
    own: bool
    """Did the judge write the answers itself?"""

    @property
    def complete(self) -> bool:
        """Was all of it judged?"""
        return self.judged == self.pairs

    @property
    def notes(self) -> tuple[str, ...]:
        """What to keep in mind, in sentences."""
        mark = f"A model's opinion, not a measurement. {self.judging.agreement}"
        notes = [mark]
        if not self.complete:
            notes.append(f"{self.judged:,} of {self.pairs:,} pairs are judged so far.")
        if self.own:
            notes.append(
                "The judge wrote these answers itself, with or without documents and adapters: "
                "models tend to prefer what they would say."
            )
        return tuple(notes)


def opinions(evaluation: Evaluation) -> list[Opinion]:
    """Return the opinions of all judges that have judged some of an evaluation.

    Raises:
        RagtuneError: what was said is damaged.
    """
    made = [opinion(evaluation, one) for one in judgings(evaluation)]
    return [one for one in made if one.complete or read_judgements(one.judging.folder)]


def opinion(evaluation: Evaluation, judging: Judging) -> Opinion:
    """Return a judge's opinion, as far as there is one."""
    return _opinion(
        evaluation.folder, judging, version(evaluation.folder), said_so_far(judging.folder)
    )


def as_json(made: Opinion) -> dict[str, Any]:
    """Return an opinion as `ragtune judge EVALUATION --json` prints it."""
    judging = made.judging
    return {
        "judge": judging.model,
        "judge_sha256": judging.sha256,
        "agreement": {"kappa": judging.kappa, "votes": judging.votes},
        "notes": made.notes,
        "pairs": made.pairs,
        "judged": made.judged,
        "preferences": [asdict(one) | {"sentence": one.sentence} for one in made.preferences],
        "rows": list(made.rows),
    }


def as_csv(made: Opinion) -> str:
    """Return what was said of each pair as CSV; encode it as ``utf-8-sig``."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, _CSV_COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for row in made.rows:
        writer.writerow(
            {name: protect_cell(one) if isinstance(one, str) else one for name, one in row.items()}
        )
    return out.getvalue()


@functools.lru_cache(maxsize=4)
def _opinion(
    folder: Path, judging: Judging, _rows: tuple[int, int], _said: tuple[int, int]
) -> Opinion:
    evaluation, judgements = read_evaluation(folder), read_judgements(judging.folder)
    pairs = pairs_of(evaluation)
    left = {pair.number for pair in pairs if not pair.same and pair.case.digest not in judgements}
    # Whole questions only: those with the same words need no judge, and would be there too soon.
    found = [(pair, judgements.get(pair.case.digest)) for pair in pairs if pair.number not in left]
    by_columns: dict[tuple[str, str], list[str]] = {}
    for pair, judgement in found:
        said = by_columns.setdefault((pair.first, pair.second), [])
        said.append(pair.preferred(judgement))
    preferences = [_preference(*columns, said) for columns, said in by_columns.items()]
    return Opinion(
        judging=judging,
        pairs=len(pairs),
        judged=len(found),
        preferences=tuple(sorted(preferences, key=lambda one: -one.share.value)),
        rows=tuple(_row(*one) for one in found),
        own=str(evaluation.conditions["the model"]).endswith(judging.sha256),
    )


def _row(pair: Pair, judgement: Judgement | None) -> dict[str, Any]:
    return {
        "number": pair.number,
        "question": pair.case.question,
        "first": pair.first,
        "second": pair.second,
        "preferred": pair.preferred(judgement),
        "said": None if judgement is None else [judgement.forward, judgement.turned],
    }


def _preference(first: str, second: str, said: Sequence[str]) -> Preference:
    wins, losses = said.count(first), said.count(second)
    if wins < losses:
        first, second, wins, losses = second, first, losses, wins
    undecided = said.count(UNDECIDED)
    values = [1.0 if one == first else 0.0 if one == second else 0.5 for one in said]
    # A win share of 0.5 is a difference of 0: its interval holds for few and for one-sided wins.
    between = difference_interval(values, [1 - value for value in values])
    low, value, high = ((1 + end) / 2 for end in (between.low, between.value, between.high))
    return Preference(
        first=first,
        second=second,
        questions=len(said),
        only_first=wins,
        only_second=losses,
        ties=len(said) - wins - losses - undecided,
        undecided=undecided,
        share=Interval(value, low, high),
    )
