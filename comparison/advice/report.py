"""An advice to hand to somebody, as JSON and as Markdown."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from comparison.advice.advise import Advice
from comparison.advice.break_even import UNITS, Cost, assumption, costs, crossovers, left_out
from comparison.advice.rules import MEASURED_NAMES, NAMES, Situation
from comparison.advice.to_measure import to_measure
from comparison.advice.use import ASKED, say


def as_json(advice: Advice, situation: Situation) -> dict[str, Any]:
    """Return the advice with all that it follows from, as the command line prints it."""
    return {
        "advice": advice.sentence,
        "best": list(advice.best),
        "confidence": advice.confidence,
        "why": advice.why,
        "smallest_change": advice.smallest(),
        "scores": dict(advice.scores),
        "excluded": list(advice.excluded),
        # Mappings that are not dicts can't be copied by asdict.
        "reasons": [
            {
                "rule": reason.rule,
                "sentence": reason.sentence,
                "source": reason.source,
                "weight": reason.weight,
                "points": dict(reason.points),
                "excludes": list(reason.excludes),
            }
            for reason in advice.reasons
        ],
        "flips": [{**asdict(flip), "sentence": flip.sentence()} for flip in advice.flips],
        "break_even": {
            unit: {
                "costs": [_cost(cost) for cost in found],
                "crossovers": [
                    {**asdict(place), "sentence": place.sentence(MEASURED_NAMES)}
                    for place in crossovers(found)
                ],
                "left_out": _left_out(situation, unit),
            }
            for unit in UNITS
            if (found := costs(situation.evidence, situation.use, situation.prices, unit))
        },
        "missing": [asdict(one) for one in to_measure(situation)],
        "use": asdict(situation.use),
        "prices": asdict(situation.prices),
        "evidence": asdict(situation.evidence),
    }


def to_markdown(advice: Advice, situation: Situation) -> str:
    """Return the advice as a page of Markdown."""
    use, evidence = situation.use, situation.evidence
    ruled_out = ", ".join(NAMES[name] for name in advice.excluded) or "none"
    lines = [
        "# Retrieval, fine-tuning, or both?",
        f"**{advice.sentence}**",
        f"Confidence: {advice.confidence}. {advice.why}",
        f"The smallest change that changes the advice: {advice.smallest()}",
        f"Measured: {_code(evidence.name) if evidence.name else 'no evaluation'}"
        f"{evidence.unfinished}. "
        f"Ruled out: {ruled_out}.",
        "## Reasons",
        _table(
            ["Rule", "Weight", *NAMES.values(), "Reason", "Source"],
            [
                [
                    reason.rule,
                    f"{reason.weight:g}",
                    *(points_said(reason.points.get(n), n in reason.excludes) for n in NAMES),
                    reason.sentence,
                    reason.source,
                ]
                for reason in advice.reasons
            ]
            + [["Sum", "", *(f"{advice.scores[n]:+.2f}" for n in NAMES), "", ""]],
        ),
        "## The use",
        _table(
            ["Question", "Answer"],
            [[label, say(name, getattr(use, name))] for name, label in ASKED.items()],
        ),
        "## What would change it",
        _list([flip.sentence() for flip in advice.flips]) or advice.smallest(),
        "## Break-even",
        *_break_even(situation),
        "## Not measured yet",
        _list([one.sentence for one in to_measure(situation)]) or "Nothing is missing.",
    ]
    return "\n\n".join(lines) + "\n"


def to_terminal(advice: Advice, situation: Situation) -> str:
    """Return the advice in the lines of a terminal."""
    lines = [
        advice.sentence,
        f"Confidence: {advice.confidence}. {advice.why}",
        f"What would change it: {advice.smallest()}",
        f"Measured: {situation.evidence.name or 'no evaluation'}{situation.evidence.unfinished}.",
        "",
    ]
    for reason in advice.reasons:
        points = ", ".join(
            f"{NAMES[name]} {said}"
            for name in NAMES
            if (said := points_said(reason.points.get(name), name in reason.excludes))
        )
        lines += [f"{reason.rule}: {reason.sentence}", f"    {points or 'no points'}"]
    for unit, said in UNITS.items():
        found = costs(situation.evidence, situation.use, situation.prices, unit)
        if len(found) > 1:
            lines += ["", f"Break-even in {said}. {assumption(found, MEASURED_NAMES)}"]
            lines += [f"    {place.sentence(MEASURED_NAMES)}" for place in crossovers(found)]
            lines += [f"    {out}"] if (out := _left_out(situation, unit)) else []
    for one in to_measure(situation):
        lines += ["", f"Not measured yet: {one.sentence}"]
        lines += [f"    {one.command}"] if one.command else []
    return "\n".join(lines)


def points_said(points: float | None, excluded: bool) -> str:
    """Say what a reason is to a choice: "+1.50", "ruled out", or "" where it is nothing."""
    if excluded:
        return "ruled out"
    return f"{points:+.2f}" if points else ""


def _break_even(situation: Situation) -> list[str]:
    parts = []
    for unit, said in UNITS.items():
        found = costs(situation.evidence, situation.use, situation.prices, unit)
        if not found:
            continue
        rows = [
            [
                MEASURED_NAMES[cost.method],
                f"{1000 * cost.question.value:,.4g}",
                f"{cost.run:,.4g}" if cost.runs else "–",
                f"{cost.runs:.2f}",
            ]
            for cost in found
        ]
        heads = ["Method", f"1,000 questions, {said}", "A fine-tune", "Fine-tunes a month"]
        parts += [
            _table(heads, rows),
            _list([c.sentence(MEASURED_NAMES) for c in crossovers(found)]),
            _left_out(situation, unit),
        ]
    return [part for part in parts if part] or ["Nothing was measured that has a cost."]


def _left_out(situation: Situation, unit: str) -> str:
    use, prices = situation.use, situation.prices
    return left_out(situation.evidence, use, prices, unit, MEASURED_NAMES)


def _cost(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "thousand_questions": 1000 * cost.question.value}


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _code(name: str) -> str:
    """Show a file's name as it is, whatever is in it."""
    return "`" + " ".join(name.replace("`", "'").split()) + "`"
