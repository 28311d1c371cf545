"""The rules weighed: how many points each choice gets, and which are ruled out."""

from collections.abc import Mapping
from dataclasses import dataclass

from comparison.advice import rules_of_measures, rules_of_use
from comparison.advice.rules import NAMES, Situation

RULES = (*rules_of_measures.RULES, *rules_of_use.RULES)
TIE_POINTS = 0.25
"""Choices this near to the best are told as a tie."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule found."""

    rule: str
    sentence: str
    source: str
    weight: float
    points: Mapping[str, float]
    """By the choice; of those that it says nothing of, none."""
    excludes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The choices in their order."""

    scores: Mapping[str, float]
    """Points of every choice, also of those ruled out."""
    best: tuple[str, ...]
    """The best one, and what ties with it; empty where all are ruled out."""
    order: tuple[str, ...]
    """Those that are not ruled out, the best first."""
    reasons: tuple[Reason, ...]

    @property
    def margin(self) -> float | None:
        """Return by how many points the best one leads; None where no other is left."""
        if len(self.order) < 2:
            return None
        return self.scores[self.order[0]] - self.scores[self.order[1]]


def weigh(situation: Situation) -> Outcome:
    """Weigh all rules; a choice's score is the sum of weight × pull."""
    reasons = []
    for rule in RULES:
        found = rule.look(situation)
        if found is not None:
            points = {method: rule.weight * pull for method, pull in found.pull.items()}
            reasons.append(
                Reason(rule.name, found.sentence, found.source, rule.weight, points, found.excludes)
            )
    scores = {name: sum(reason.points.get(name, 0.0) for reason in reasons) for name in NAMES}
    out = {name for reason in reasons for name in reason.excludes}
    # Of equals the simplest first: sorting keeps the order of the names.
    order = tuple(sorted((n for n in NAMES if n not in out), key=lambda n: -round(scores[n], 9)))
    best = tuple(n for n in order if round(scores[order[0]] - scores[n], 9) <= TIE_POINTS)
    return Outcome(scores, best, order, tuple(reasons))
