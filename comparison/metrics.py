"""Metrics of one answer against the accepted ones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.words import f1, normalize

__all__ = ["METRICS", "Metric", "contains", "exact_match", "f1", "macro_f1", "normalize", "refused"]

_REFUSALS = re.compile(
    r"\b(i (do not|don't|don’t) (know|have (any |that |this |enough )?information)"
    r"|(text|document|passage|context)s? (above )?(does|do) ?(not|n't|n’t) "
    r"(say|mention|specify|provide|state|contain|answer)"
    r"|(is|are) not (mentioned|specified|stated|given|provided) in the)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a figure means and which way is good."""

    name: str
    better: str
    """"higher" or "lower"."""
    meaning: str


METRICS = (
    Metric("exact_match", "higher", "Share of answers equal to an accepted one."),
    Metric("f1", "higher", "Mean overlap of words with the nearest accepted answer."),
    Metric("contains", "higher", "Share of answers that contain an accepted one."),
    Metric("accuracy", "higher", "Share of classified messages given the right label alone."),
    Metric("macro_f1", "higher", "F1 of each label, averaged over the labels."),
    Metric("form_kept", "higher", "Share of answers that have the form asked for."),
    Metric("contains_trained", "higher", "The same, on facts that the adapter was trained on."),
    Metric("contains_untrained", "higher", "The same, on facts that it was not trained on."),
    Metric("answered", "higher", "Share of answerable questions that were not declined."),
    Metric("refused_unanswerable", "higher", "Share of unanswerable questions declined."),
    Metric("hit_at_k", "higher", "Share of questions whose document was among those retrieved."),
    Metric(
        "latency_ms", "lower", "Median milliseconds from the question to the end of the answer."
    ),
)


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where the answer equals an accepted one after `normalize`, else 0.0."""
    return float(any(normalize(answer) == normalize(value) for value in accepted))


def contains(answer: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where the words of an accepted answer stand in the answer in a row."""
    padded = f" {normalize(answer)} "
    return float(any(f" {normalize(value)} " in padded for value in accepted if normalize(value)))


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean F1 of the labels that occur, from 0 to 1.

    That of a label is the harmonic mean of its precision and its recall; the mean does not
    weigh labels by how often they occur (van Rijsbergen 1979; Manning et al. 2008, ch. 13.6).

    Args:
        pairs: for each message the label given to it and the right one. Given labels that are
            right nowhere count against the right one only.
    """
    pairs = [(normalize(given), normalize(right)) for given, right in pairs]
    scores = []
    for label in {right for _, right in pairs}:
        hits = sum(given == right == label for given, right in pairs)
        said = sum(given == label for given, _ in pairs)
        meant = sum(right == label for _, right in pairs)
        scores.append(2 * hits / (said + meant))
    return sum(scores) / len(scores)


def refused(answer: str) -> bool:
    """Does the answer decline, or say nothing at all?"""
    return not answer.strip() or _REFUSALS.search(answer) is not None
