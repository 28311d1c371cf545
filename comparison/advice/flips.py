"""What would change the advice: other answers about the use, and figures within their intervals."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

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
    for flip, changed in (*_of_use(situation), *_of_figures(situation)):
        best = weigh(changed).best
        known = found.get(flip.what)
        if _differs(outcome.best, best) and (known is None or flip.size < known.size):
            found[flip.what] = dataclasses.replace(flip, best=best)
    return tuple(sorted(found.values(), key=lambda flip: flip.size))


def _differs(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    if len(before) > 1:
        return len(after) == 1
    return not set(before) & set(after) and before != after


def _of_use(situation: Situation) -> Iterator[tuple[Flip, Situation]]:
    """Yield every other answer to every question, with the situation as it would be."""
    for field in dataclasses.fields(Use):
        name, value = field.name, getattr(situation.use, field.name)
        scale = TRIED.get(name) or [c for c in field.metadata["choices"] if c != UNKNOWN]
        for other in scale:
            if other != value:
                use = dataclasses.replace(situation.use, **{name: other})
                flip = Flip("use", ASKED[name], say(name, value), say(name, other), (), 1.0)
                if name in _ORDERED and value in scale:
                    steps = abs(scale.index(other) - scale.index(value))
                    flip = dataclasses.replace(flip, size=float(steps))
                yield flip, dataclasses.replace(situation, use=use)


def _of_figures(situation: Situation) -> Iterator[tuple[Flip, Situation]]:
    """Yield every measured figure at places within its interval, with the situation then."""
    evidence = situation.evidence
    for measure in evidence.methods:
        for name, words in _FIGURES.items():
            figure: Figure | None = getattr(measure, name)
            if figure is None:
                continue
            for share in _ways():
                moved = figure.at(share)
                changed = dataclasses.replace(measure, **{name: moved})
                methods = tuple(changed if m == measure else m for m in evidence.methods)
                yield (
                    Flip(
                        "measured",
                        f"{_capital(MEASURED_NAMES[measure.method])}, {words}",
                        _said(name, figure),
                        _said(name, moved),
                        (),
                        abs(share),
                    ),
                    _with(situation, methods=methods),
                )
    if evidence.run is not None:
        for change in evidence.run.forgetting:
            for share in _ways():
                # What it would be if it were known for sure.
                moved = dataclasses.replace(
                    change, change=change.change + share * change.margin, margin=0.0
                )
                changes = tuple(moved if c == change else c for c in evidence.run.forgetting)
                yield (
                    Flip(
                        "measured",
                        f"What {evidence.run.name} changed of {change.kind}",
                        f"{change.change:+.1f}",
                        f"{moved.change:+.1f}",
                        (),
                        abs(share),
                    ),
                    _with(situation, run=dataclasses.replace(evidence.run, forgetting=changes)),
                )


def _ways() -> Iterator[float]:
    for step in range(1, _STEPS + 1):
        yield -step / _STEPS
        yield step / _STEPS


def _with(situation: Situation, **changed: object) -> Situation:
    evidence = dataclasses.replace(situation.evidence, **changed)  # type: ignore[arg-type]
    return dataclasses.replace(situation, evidence=evidence)


def _said(name: str, figure: Figure) -> str:
    if name.endswith("_seconds"):
        return f"{figure.value:.2f} s"
    return f"{figure.value:.1%}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
