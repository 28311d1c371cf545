"""Votes on answers shown without names: kept, counted, and checked for a bias of the place."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import sqlalchemy as sa

from comparison.blind import Round, letter
from comparison.columns import Column
from comparison.statistics.share import share_interval
from finetune_backend.examples.write import protect_cell
from workbench.errors import RagtuneError
from workbench.storage import Database, VoteRow

BEST, ALL_GOOD, ALL_BAD = "best", "all good", "all bad"
_FEWEST = 5
_CHANCE = 0.05
_HEAD = ("number", "voted_at", "question", "said", "winner", "place")


@dataclass(frozen=True, slots=True)
class Vote:
    """What a person said of one round."""

    number: int
    """Never another one's."""
    round: Round
    said: str
    """`BEST`, `ALL_GOOD` or `ALL_BAD`."""
    place: int | None
    """Where the best one stood, from 0; None where none was named."""
    voted_at: str
    """ISO 8601, UTC."""

    @property
    def winner(self) -> Column | None:
        """The column that was named the best; None where none was."""
        return None if self.place is None else self.round.order[self.place]


@dataclass(frozen=True, slots=True)
class Standing:
    """How often a column was named the best one."""

    column: Column
    wins: int
    decided: int
    """Votes that named a best one among answers of which one was this column's."""
    low: float
    """The share of wins lies from here, at 95 % confidence …"""
    high: float
    """… to here."""


@dataclass(frozen=True, slots=True)
class FirstPlace:
    """Whether the first place is named the best more often than chance would."""

    wins: int
    decided: int
    expected: float
    """Wins that chance would give it."""
    p: float
    """The probability that chance gives it so many or more."""

    def sentence(self) -> str:
        """Say it for a person."""
        if self.decided < _FEWEST:
            return (
                f"Whether the first place is favoured can be told after {_FEWEST} votes that name "
                f"a best one; there are {self.decided}."
            )
        counted = (
            f"The first place was named best in {self.wins} of {self.decided} votes; by chance it "
            f"would be about {self.expected:.1f} (exact binomial test, p = {self.p:.2g})."
        )
        if self.p < _CHANCE:
            return f"{counted} It seems to be favoured: read the votes with care."
        return f"{counted} There is no sign that it is favoured."


def keep_vote(database: Database, shown: Round, said: str, place: int | None = None) -> int:
    """Keep a vote, and return its number; once that is there, it survives a kill.

    Raises:
        RagtuneError: it names no place where one is to be named, or the other way round.
    """
    fits = place is not None and 0 <= place < len(shown.order)
    if said not in (BEST, ALL_GOOD, ALL_BAD) or fits != (said == BEST):
        raise RagtuneError(
            f"The vote {said!r} for place {place} was given; {BEST!r} with one of "
            f"{len(shown.order)} places, {ALL_GOOD!r} or {ALL_BAD!r} was expected."
        )
    row = VoteRow(
        question=shown.question,
        columns=[asdict(column) for column in shown.order],
        texts=list(shown.texts),
        said=said,
        place=place,
    )
    with database.session() as session:
        session.add(row)
        session.flush()
        return row.id


def list_votes(database: Database) -> list[Vote]:
    """Return all votes, the oldest first."""
    with database.session() as session:
        return [_vote(row) for row in session.scalars(sa.select(VoteRow).order_by(VoteRow.id))]


def delete_vote(database: Database, number: int) -> None:
    """Take a vote back; one that is gone already stays gone."""
    with database.session() as session:
        session.execute(sa.delete(VoteRow).where(VoteRow.id == number))


def standings(votes: Iterable[Vote]) -> list[Standing]:
    """Count each column's wins, the largest share first.

    Only votes that name a best one count: what was all good or all bad prefers none.
    """
    wins, decided = dict[Column, int](), dict[Column, int]()
    for vote in votes:
        if vote.winner is None:
            continue
        for column in vote.round.order:
            decided[column] = decided.get(column, 0) + 1
            wins[column] = wins.get(column, 0) + (column == vote.winner)
    made = [_standing(column, wins[column], count) for column, count in decided.items()]
    return sorted(made, key=lambda one: (-one.wins / one.decided, one.column.label))


def first_place(votes: Iterable[Vote]) -> FirstPlace:
    """Test whether the first place wins more often than the order of chance explains.

    The exact binomial test, one-sided; where rounds have different numbers of answers, that of
    trials with different chances (Poisson's binomial distribution), which is as exact.
    """
    named = [vote for vote in votes if vote.place is not None]
    chances = [1 / len(vote.round.order) for vote in named]
    wins = sum(vote.place == 0 for vote in named)
    return FirstPlace(wins, len(named), sum(chances), _at_least(wins, chances))


def votes_csv(votes: Sequence[Vote]) -> str:
    """Write votes as CSV, each with its columns and answers in the order shown.

    Cells that a spreadsheet would run as a formula start with an apostrophe.
    """
    places = [letter(n) for n in range(max((len(vote.round.order) for vote in votes), default=0))]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*_HEAD, *(cell for one in places for cell in (one, f"{one} answered"))])
    for vote in votes:
        winner = vote.winner.label if vote.winner else ""
        place = "" if vote.place is None else letter(vote.place)
        told = [str(vote.number), vote.voted_at, vote.round.question, vote.said, winner, place]
        for column, text in zip(vote.round.order, vote.round.texts, strict=True):
            told += [column.label, text]
        writer.writerow(map(protect_cell, told))
    return out.getvalue()


def _vote(row: VoteRow) -> Vote:
    order = tuple(Column(**column) for column in row.columns)
    voted_at = row.voted_at.isoformat(timespec="seconds")
    shown = Round(row.question, order, tuple(row.texts))
    return Vote(row.id, shown, row.said, row.place, voted_at)


def _at_least(wins: int, chances: Sequence[float]) -> float:
    """Return the probability of so many successes or more, in trials with these chances."""
    ways = np.ones(1)
    for chance in chances:
        ways = np.append(ways * (1 - chance), 0.0) + np.append(0.0, ways * chance)
    return float(min(1.0, ways[wins:].sum()))


def _standing(column: Column, wins: int, decided: int) -> Standing:
    share = share_interval(wins, decided)
    return Standing(column, wins, decided, share.low, share.high)
