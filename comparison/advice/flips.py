"""What would change the advice: other answers about the use, and figures within their intervals."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comparison.advice.figure import Figure
from comparison.advice.rules import MEASURED_NAMES, NAMES, Situation
from comparison.advice.use import ASKED, TRIED, UNKNOWN, Use, say
from comparison.advice.weigh import Outcome, weigh

_STEPS = 20
"""In which a figure goes to an end of its interval."""
_ORDERED = ("changes", *TRIED)
"""Questions whose answers lie on a scale; of the others each answer is as far from each."""
_FIGURES = {
    "right": "right answers",
    "right_trained": "right answers to trained facts",
    "right_untrained": "right answers to other facts",
    "form_kept": "answers in the required form",
    "declined_rightly": "declined questions without an answer",
    "p95_seconds": "95th percentile of the time",
    "mean_seconds": "mean time",
}
"""The figures that rules look at."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A change that changes the advice."""

    kind: str
    """"use" for an answer of the person, "measured" for a figure."""
    what: str
    before: str
    after: str
    best: tuple[str, ...]
    """What the advice is then; empty where all choices are ruled out."""
    size: float
    """How large the change is: of a figure, the share of the way to the end of its interval; of an
    answer, the steps on its scale, or 1."""

    def sentence(self) -> str:
        """Say it: "Knowledge changes: “Never” instead of “Every week” – then fine-tuning."."""
        then = " or ".join(NAMES[name] for name in self.best) or "none of the four"
        before, after = self.before, self.after
        if self.kind == "use":
            before, after = f"“{before}”", f"“{after}”"
        return f"{self.what}: {after} instead of {before} – then {then}."


def flips(situation: Situation, outcome: Outcome) -> tuple[Flip, ...]:
    """Return what would change the advice, one change at a time, the smallest first.

    Of each question and each figure the smallest change is kept. Where the advice is a tie, what
    would decide it; else what would let another choice be the best.
    """
    found: dict[str, Flip] = {}
    for flip, changed in _changes(situation):
        best = weigh(changed).best
        known = found.get(flip.what)
        if _differs(outcome.best, best) and (known is None or flip.size < known.size):
            found[flip.what] = dataclasses.replace(flip, best=best)
    return tuple(sorted(found.values(), key=lambda flip: flip.size))


def _changes(situation: Situation) -> Iterator[tuple[Flip, Situation]]:
    yield from _of_use(situation)
    yield from _of_figures(situation)
    yield from _of_forgetting(situation)


def _differs(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    if len(before) > 1:
        return len(after) == 1
    return not set(before) & set(after) and before != after


def _of_use(situation: Situation) -> Iterator[tuple[Flip, Situation]]:
    """Yield every other answer to every question, with the situation as it would be."""
    for field in dataclasses.fields(Use):
        name, value = field.name, getattr(situation.use, field.name)
        scale = TRIED.get(name) or tuple(c for c in field.metadata["choices"] if c != UNKNOWN)
        for other in scale:
            if other == value:
                continue
            far = name in _ORDERED and value in scale
            size = float(abs(scale.index(other) - scale.index(value))) if far else 1.0
            answer: dict[str, Any] = {name: other}
            yield (
                Flip("use", ASKED[name], say(name, value), say(name, other), (), size),
                dataclasses.replace(situation, use=dataclasses.replace(situation.use, **answer)),
            )


def _of_figures(situation: Situation) -> Iterator[tuple[Flip, Situation]]:
    """Yield every figure of a method at places within its interval, with the situation then."""
    evidence = situation.evidence
    for measure in evidence.methods:
        for name, words in _FIGURES.items():
            figure: Figure | None = getattr(measure, name)
            if figure is None:
                continue
            what = f"{_capital(MEASURED_NAMES[measure.method])}, {words}"
            for share in _ways():
                moved = figure.at(share)
                other: dict[str, Any] = {name: moved}
                changed = dataclasses.replace(measure, **other)
                methods = tuple(changed if m == measure else m for m in evidence.methods)
                yield (
                    Flip("measured", what, _said(name, figure), _said(name, moved), (), abs(share)),
                    _with(situation, methods=methods),
                )


def _of_forgetting(situation: Situation) -> Iterator[tuple[Flip, Situation]]:
    """Yield what the fine-tune changed of an ability in the same way, as if known for sure."""
    run = situation.evidence.run
    if run is None:
        return
    for change in run.forgetting:
        what = f"What the fine-tune changed of {change.kind}, points"
        for share in _ways():
            points = change.change + share * change.margin
            moved = dataclasses.replace(change, change=points, margin=0.0)
            changes = tuple(moved if c == change else c for c in run.forgetting)
            yield (
                Flip("measured", what, f"{change.change:+.1f}", f"{points:+.1f}", (), abs(share)),
                _with(situation, run=dataclasses.replace(run, forgetting=changes)),
            )


def _ways() -> Iterator[float]:
    for step in range(1, _STEPS + 1):
        yield -step / _STEPS
        yield step / _STEPS


def _with(situation: Situation, **changed: Any) -> Situation:
    evidence = dataclasses.replace(situation.evidence, **changed)
    return dataclasses.replace(situation, evidence=evidence)


def _said(name: str, figure: Figure) -> str:
    if name.endswith("_seconds"):
        return f"{figure.value:.2f} s"
    return f"{figure.value:.1%}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
