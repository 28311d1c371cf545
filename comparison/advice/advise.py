"""The advice: which method, how sure that is, and what would change it."""

from collections.abc import Mapping
from dataclasses import dataclass

from comparison.advice.flips import Flip, flips
from comparison.advice.measured import MethodMeasure
from comparison.advice.rules import MEASURED_NAMES, NAMES, Situation, listed
from comparison.advice.weigh import Outcome, Reason, weigh

FEW, MANY = 10, 30
"""Questions from which a measurement counts for a medium, and for a high confidence."""
CLEAR_POINTS = 1.0
"""How far the best has to lead for a high confidence."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Which method to use, and all that it follows from."""

    best: tuple[str, ...]
    """Of `comparison.advice.rules.NAMES`: one, several that tie, or none that is left."""
    sentence: str
    confidence: str
    """"low", "medium" or "high"; see `_confidence`."""
    why: str
    """Why the confidence is no higher, or that it is high, in one sentence."""
    scores: Mapping[str, float]
    excluded: tuple[str, ...]
    reasons: tuple[Reason, ...]
    flips: tuple[Flip, ...]
    """What would change it, the smallest change first."""

    def smallest(self) -> str:
        """Say which change is the smallest that changes the advice."""
        if not self.flips:
            return (
                "No other answer to a single question, and no single figure within its interval, "
                "changes this."
            )
        return self.flips[0].sentence()


def advise(situation: Situation) -> Advice:
    """Return the advice that follows from a situation; the same one for the same situation."""
    outcome = weigh(situation)
    changes = flips(situation, outcome)
    confidence, why = _confidence(situation, outcome, changes)
    return Advice(
        outcome.best,
        _sentence(outcome),
        confidence,
        why,
        outcome.scores,
        tuple(name for name in NAMES if name not in outcome.order),
        outcome.reasons,
        changes,
    )


def _sentence(outcome: Outcome) -> str:
    if not outcome.best:
        return "None of the four fits: each is ruled out by what was answered or measured."
    if len(outcome.best) > 1:
        names = listed([NAMES[name] for name in outcome.best])
        return f"A tie: nothing decides between {names}."
    best, margin = NAMES[outcome.best[0]], outcome.margin
    if margin is None:
        return f"Use {best}: it is the only one that nothing rules out."
    return f"Use {best}: it leads {NAMES[outcome.order[1]]} by {margin:.1f} points."


def _confidence(
    situation: Situation, outcome: Outcome, changes: tuple[Flip, ...]
) -> tuple[str, str]:
    """Return how sure the advice is, and why it is no surer.

    high: the best one and every other that is not ruled out were measured with at least `MANY`
    questions, it leads by `CLEAR_POINTS` or more, and no figure within its 95 % interval changes
    the advice. medium: the best one and the next one, unless that is ruled out, were measured with
    at least `FEW` questions. low: all else, and every tie.
    """
    if len(outcome.best) != 1:
        return "low", "Nothing stands out."
    asked = {name: _questions(situation.evidence.of(name)) for name in outcome.order}
    unknown = [MEASURED_NAMES[name] for name in outcome.order[:2] if asked[name] < FEW]
    if unknown:
        return "low", f"Fewer than {FEW} questions were measured of {listed(unknown)}."
    margin = outcome.margin
    few = [MEASURED_NAMES[name] for name, count in asked.items() if count < MANY]
    if few:
        return "medium", f"Fewer than {MANY} questions were measured of {listed(few)}."
    if margin is not None and margin < CLEAR_POINTS:
        return "medium", f"It leads by less than {CLEAR_POINTS:g} point."
    within = [flip for flip in changes if flip.kind == "measured"]
    if within:
        return "medium", "A measured figure, within its interval, would change it."
    return "high", "All that is left was measured, and no figure within its interval changes it."


def _questions(measure: MethodMeasure | None) -> int:
    return measure.questions if measure else 0
