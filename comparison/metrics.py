"""Metrics of one answer against the accepted ones, by SQuAD's rules.

Source of the normalisation, exact match and F1: Rajpurkar et al. 2016, "SQuAD: 100,000+
Questions for Machine Comprehension of Text", and its evaluation script.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation + "–—‘’“”…")
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
    Metric("contains_trained", "higher", "The same, on facts that the adapter was trained on."),
    Metric("contains_untrained", "higher", "The same, on facts that it was not trained on."),
    Metric("answered", "higher", "Share of answerable questions that were not declined."),
    Metric("refused_unanswerable", "higher", "Share of unanswerable questions declined."),
    Metric("hit_at_k", "higher", "Share of questions whose document was among those retrieved."),
    Metric(
        "latency_ms", "lower", "Median milliseconds from the question to the end of the answer."
    ),
)


def normalize(text: str) -> str:
    """Lower-case a text and drop punctuation, articles and extra space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where the answer equals an accepted one after `normalize`, else 0.0."""
    return float(any(normalize(answer) == normalize(value) for value in accepted))


def f1(answer: str, accepted: Sequence[str]) -> float:
    """Return the best harmonic mean of word precision and recall, from 0 to 1."""
    return max((_f1(answer, value) for value in accepted), default=0.0)


def contains(answer: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where the words of an accepted answer stand in the answer in a row."""
    padded = f" {normalize(answer)} "
    return float(any(f" {normalize(value)} " in padded for value in accepted if normalize(value)))


def refused(answer: str) -> bool:
    """Does the answer decline, or say nothing at all?"""
    return not answer.strip() or _REFUSALS.search(answer) is not None


def _f1(answer: str, value: str) -> float:
    said, expected = normalize(answer).split(), normalize(value).split()
    common = sum((Counter(said) & Counter(expected)).values())
    if not common:
        return float(said == expected)
    precision, recall = common / len(said), common / len(expected)
    return 2 * precision * recall / (precision + recall)
