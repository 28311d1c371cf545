"""Facts with several wordings: some to train on, the more the better, and one to be asked."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from comparison.experiments.asking import spread
from comparison.experiments.experiment import FEWEST
from finetune_backend.examples.wording import fold
from finetune_backend.settings import TrainSettings, fit_to_data
from workbench.errors import RagtuneError
from workbench.values import Example

_LEAST = 3
"""Wordings of a fact: one and another to train on, and one to be asked."""


@dataclass(frozen=True, slots=True)
class Worded:
    """A fact with wordings to train on, and one that is kept for being asked."""

    taught: tuple[Example, ...]
    """In the order in which they come to the training."""
    asked: Example


def lacks(examples: Sequence[Example]) -> str | None:
    """Say what examples lack for this, or None where there are enough."""
    if not examples:
        return "No examples yet."
    enough = sum(len(own) >= _LEAST for own in distinct(examples).values())
    if enough >= FEWEST:
        return None
    return (
        f"{enough} facts have examples in {_LEAST} wordings or more, and {FEWEST} such facts are "
        "needed."
    )


def distinct(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Return the examples of each fact, every wording once.

    A wording that asks for several facts is left out: no answer to it would be right or wrong.
    """
    asked: dict[str, set[str]] = {}
    for example in examples:
        asked.setdefault(fold(example.question), set()).add(example.fact)
    facts: dict[str, dict[str, Example]] = {}
    for example in examples:
        if len(asked[fold(example.question)]) == 1:
            facts.setdefault(example.fact, {}).setdefault(fold(example.question), example)
    return {fact: list(own.values()) for fact, own in facts.items()}


def choose(examples: Sequence[Example], most_facts: int, most_wordings: int) -> list[Worded]:
    """Return the facts to train on: all with as many wordings as half of them have, or more.

    Args:
        examples: all there are.
        most_facts: to train on.
        most_wordings: to train on, of each fact.

    Raises:
        RagtuneError: too few facts have wordings enough.
    """
    if missing := lacks(examples):
        raise RagtuneError(missing)
    facts = [own for own in distinct(examples).values() if len(own) >= _LEAST]
    size = 2
    while size * 2 <= most_wordings and len(_with(facts, size * 2)) >= max(FEWEST, len(facts) / 2):
        size *= 2
    return [_worded(own, size) for own in spread(_with(facts, size), most_facts)]


def _with(facts: Sequence[list[Example]], taught: int) -> list[list[Example]]:
    """Return the facts that have so many wordings to train on, and one to be asked."""
    return [own for own in facts if len(own) > taught]


def _worded(own: list[Example], taught: int) -> Worded:
    """Draw the wordings at random: those that came first may have been the plainest."""
    drawn = random.Random(own[0].fact).sample(own, taught + 1)
    return Worded(tuple(drawn[:taught]), drawn[taught])


def sizes(facts: Sequence[Worded]) -> list[int]:
    """Return the numbers of wordings to train with: 1, 2, 4 and so on."""
    most = len(facts[0].taught)
    return [2**power for power in range(most.bit_length())]


def shown(facts: Sequence[Worded], size: int) -> list[Example]:
    """Return what a pass shows: of each fact so many wordings, as often as makes all sizes equal.

    Without that, more wordings would mean more steps, and nobody could tell which of them helps.
    """
    return [fact.taught[n % size] for fact in facts for n in range(len(fact.taught))]


def settings_for(facts: Sequence[Worded]) -> TrainSettings:
    """Return the usual settings, fitted to the most wordings; nothing more is held out."""
    return fit_to_data(TrainSettings(held_out=0), shown(facts, len(facts[0].taught)))
