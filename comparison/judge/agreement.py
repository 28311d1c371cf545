"""How far a judge agrees with people: its word on the rounds that they voted on blind.

Compared is which column was named the best, or that all were good or all bad. By columns and not
by places, so that a judge that always names the same method, or the longest answer, is no better
than chance. What it says otherwise in the opposite order agrees with nobody.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison.exams.exam import ExamQuestion, read_exam
from comparison.exams.kept import exam_files
from comparison.judge.case import Case, Judgement
from comparison.judge.judge import the_judge
from comparison.judge.kept import read_judgements, votes_folder
from comparison.lab import Lab
from comparison.statistics.interval import Interval
from comparison.statistics.kappa import kappa_interval
from comparison.votes import Vote, list_votes
from finetune_backend.examples.wording import fold
from workbench.errors import RagtuneError
from workbench.home import Home
from workbench.json_lines import changes_with

LEAST_KAPPA = 0.6
LEAST_VOTES = 20
"""With fewer, a judge that agrees at κ 0.3 alone would reach 0.6 by chance more often than once in
twenty times, where there are three things to say."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a judge said of the votes, beside what people said."""

    model: str
    votes: int
    """How many there are."""
    judged: int
    """How many of them it has judged; all that follows is about these."""
    kappa: Interval | None
    """Cohen's κ; None where chance alone would agree always, or nothing was judged."""
    flipped: int
    """How often it said something else in the opposite order."""
    first_shown: int
    """How often of these it named whichever stood first, both times."""
    unread: int
    """How often its reply was none of those asked for."""

    @property
    def waiting(self) -> int:
        """How many votes it has not judged yet."""
        return self.votes - self.judged

    @property
    def missing(self) -> str:
        """Say why it may not judge evaluations; empty where it may."""
        if self.judged < LEAST_VOTES:
            return (
                f"The judge {self.model} has judged {self.judged:,} of {self.votes:,} blind votes; "
                f"{LEAST_VOTES} are needed, since with fewer a judge that hardly agrees would "
                f"reach κ {LEAST_KAPPA} by chance too often."
            )
        if self.kappa is None:
            return (
                f"The judge {self.model} and the {_votes(self.judged)} all say the same one thing, "
                "so that its agreement can't be told from chance: vote on other questions, too."
            )
        if round(self.kappa.value, 2) < LEAST_KAPPA:
            return f"{self._agrees(self.kappa)}; {LEAST_KAPPA} is needed before it may judge."
        return ""

    @property
    def sentence(self) -> str:
        """Say how far it agrees, and why it may not judge where it may not."""
        return self.missing or f"{self._agrees(self.kappa)}."

    @property
    def biases(self) -> str:
        """Say how often the order, and not the answers, decided; empty where it never did."""
        told = []
        if self.flipped:
            told.append(
                f"It said something else in the opposite order for {_votes(self.flipped)}, and "
                f"named whichever stood first in {self.first_shown:,} of them."
            )
        if self.unread:
            told.append(f"Its reply could not be read for {_votes(self.unread)}.")
        return " ".join([*told, "Those count as not decided."] if told else [])

    def _agrees(self, kappa: Interval | None) -> str:
        assert kappa is not None  # it may judge, or is told why not
        return (
            f"The judge {self.model} agrees with {_votes(self.judged)} at κ {kappa.value:.2f} "
            f"(95 % interval {kappa.low:.2f} to {kappa.high:.2f})"
        )


def agreement(lab: Lab) -> Agreement:
    """Return how far the settings' judge agrees with the votes that it has judged.

    Raises:
        RagtuneError: there is no such model, or what it said is damaged.
    """
    judge = the_judge(lab)
    said, votes = read_judgements(votes_folder(lab.home, judge)), list_votes(lab.database)
    cases = vote_cases(lab.home, votes)
    found = [
        (vote, said[case.digest])
        for vote, case in zip(votes, cases, strict=True)
        if case.digest in said
    ]
    flipped = [judgement for _, judgement in found if judgement.flipped]
    return Agreement(
        model=judge.model,
        votes=len(votes),
        judged=len(found),
        kappa=kappa_interval(
            [_by_person(vote) for vote, _ in found],
            [_by_judge(vote, judgement) for vote, judgement in found],
        ),
        flipped=len(flipped),
        first_shown=sum(_named_first(*pair) for pair in found),
        unread=sum(judgement.unread for _, judgement in found),
    )


def check_may_judge(lab: Lab) -> Agreement:
    """Return how far the judge agrees.

    Raises:
        RagtuneError: it doesn't agree enough to judge evaluations.
    """
    found = agreement(lab)
    if found.missing:
        raise RagtuneError(found.missing)
    return found


def vote_cases(home: Home, votes: Iterable[Vote]) -> list[Case]:
    """Return what the votes were about, with the accepted answers of exams that ask the same."""
    known = _known(home)
    cases = []
    for vote in votes:
        asked = known.get(fold(vote.round.question))
        accepted, unanswerable = (asked.answers, asked.unanswerable) if asked else ((), False)
        cases.append(Case(vote.round.question, accepted, unanswerable, vote.round.texts))
    return cases


def _known(home: Home) -> dict[str, ExamQuestion]:
    exams = tuple((path, changes_with(path)) for path in exam_files(home).values())
    return _questions(exams)


@functools.lru_cache(maxsize=2)
def _questions(exams: Sequence[tuple[Path, tuple[int, int]]]) -> dict[str, ExamQuestion]:
    found: dict[str, ExamQuestion] = {}
    for path, _ in exams:
        try:
            for one in read_exam(path):
                found.setdefault(fold(one.question), one)
        except RagtuneError:  # page Exams says what is wrong with it
            continue
    return found


def _by_person(vote: Vote) -> str:
    return vote.winner.label if vote.winner else vote.said


def _by_judge(vote: Vote, judgement: Judgement) -> str:
    said = judgement.said
    return vote.round.order[said].label if isinstance(said, int) else said


def _named_first(vote: Vote, judgement: Judgement) -> bool:
    return (judgement.forward, judgement.turned) == (0, len(vote.round.order) - 1)


def _votes(count: int) -> str:
    return f"{count:,} vote{'' if count == 1 else 's'}"
