"""Rules that follow from what was measured, or from papers where it wasn't."""

from collections.abc import Mapping
from statistics import mean

from comparison.advice.figure import Figure
from comparison.advice.rules import (
    BALAGUER,
    BIDERMAN,
    MEASURED,
    MEASURED_NAMES,
    NAMES,
    OVADIA,
    PARTS,
    SOUDANI,
    Found,
    Rule,
    Situation,
)

_FORM_ONLY = 0.3
"""What right facts still count for where the form matters most."""
_HEAVY_LOSS = 20.0
"""Points of an ability, whose loss is a whole pull against an adapter."""


def right(situation: Situation) -> Found | None:
    """Compare how many questions each method answers right."""
    use, (figures, of) = situation.use, _right(situation)
    if len(figures) < 2:
        return None
    share = _FORM_ONLY if use.kind == "form" else 1.0
    pull = {method: share * value for method, value in _beside_mean(figures).items()}
    return Found(f"Of the questions {of}: {_told(figures)}.", MEASURED, pull)


def facts_in_papers(situation: Situation) -> Found | None:
    """Say what papers found on facts, where it was not measured here."""
    figures, _ = _right(situation)
    unknown = set(NAMES) - set(figures)
    if situation.use.kind == "form" or not unknown & {"base", "rag", "finetuned"}:
        return None
    # Where RAG and fine-tuning were compared here, papers only say what the bare model is worth.
    pull = {"base": -1.0} | ({"rag": 1.0, "hybrid": 0.5} if unknown - {"base", "hybrid"} else {})
    return Found(
        "In published comparisons retrieval answered more questions about facts than fine-tuning, "
        "and that more than the bare model; most clearly about rare ones. Not all of that was "
        "measured here yet.",
        f"{OVADIA}, {SOUDANI}",
        {method: value for method, value in pull.items() if method in unknown},
    )


def form(situation: Situation) -> Found | None:
    """Compare how many answers have the form that was asked for."""
    figures = situation.evidence.figures("form_kept")
    if situation.use.kind not in ("form", "both") or len(figures) < 2:
        return None
    return Found(
        f"Of the answers in need of a form: {_told(figures)}.", MEASURED, _beside_mean(figures)
    )


def form_in_papers(situation: Situation) -> Found | None:
    """Say what papers found on form, where it was not measured here."""
    wanted = situation.use.kind
    if wanted not in ("form", "both") or len(situation.evidence.figures("form_kept")) > 1:
        return None
    pull = {
        "form": {"finetuned": 1.0, "hybrid": 0.75, "base": -1.0},
        "both": {"finetuned": 0.25, "hybrid": 1.0, "base": -1.0},
    }
    return Found(
        "Fine-tuning teaches a model how to answer: in a case study it made answers shorter and "
        "more to the point, and retrieval on top added to it.",
        BALAGUER,
        pull[wanted],
    )


def invents(situation: Situation) -> Found | None:
    """Compare how many questions without an answer each method declines."""
    figures = situation.evidence.figures("declined_rightly")
    if len(figures) < 2:
        return None
    said = f"Of the questions without an answer in the documents: {_told(figures)}."
    return Found(said, MEASURED, _beside_mean(figures))


def forgets(situation: Situation) -> Found | None:
    """Count against an adapter what the model lost by it."""
    run = situation.evidence.run
    lost = [
        change
        for change in (run.forgetting if run else ())
        if change.kind != "surprise" and change.change + change.margin < 0
    ]
    if run is None or not lost:
        return None
    worst = min(lost, key=lambda change: change.change)
    # What is not asked for may be forgotten.
    size = min(1.0, -worst.change / _HEAVY_LOSS) / (2 if situation.use.domain == "narrow" else 1)
    return Found(
        f"Of the fine-tune {run.name}: {worst.sentence()}.",
        f"{MEASURED}; LoRA does so less than training all weights: {BIDERMAN}",
        {"finetuned": -size, "hybrid": -size},
    )


def _right(situation: Situation) -> tuple[Mapping[str, Figure], str]:
    """Return the shares of right answers that count for this use, and of which questions."""
    evidence, part = situation.evidence, PARTS.get(situation.use.domain)
    figures = evidence.figures(part) if part else {}
    if len(figures) < 2:
        return evidence.figures("right"), "with known answers"
    of = "that were trained" if part == "right_trained" else "that were never trained"
    return figures, f"about facts {of}"


def _beside_mean(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Return how far each lies above the mean of those measured; what wasn't lies at it."""
    middle = mean(figure.value for figure in figures.values())
    return {method: figure.value - middle for method, figure in figures.items()}


def _told(figures: Mapping[str, Figure]) -> str:
    return ", ".join(
        f"{MEASURED_NAMES[method]} {one.value:.0%} ({one.low * 100:.0f} to {one.high * 100:.0f})"
        for method, one in figures.items()
    )


RULES = (
    Rule("Right answers", 10.0, right),
    Rule("Facts, in papers", 2.0, facts_in_papers),
    Rule("Form", 8.0, form),
    Rule("Form, in papers", 2.0, form_in_papers),
    Rule("Declines what it can't know", 3.0, invents),
    Rule("Forgetting", 2.0, forgets),
)
