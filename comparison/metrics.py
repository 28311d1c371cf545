"""Metrics of one answer against the accepted ones."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.words import f1, normalize

__all__ = [
    "METRICS",
    "Metric",
    "contains",
    "exact_match",
    "f1",
    "macro_f1",
    "normalize",
    "number_match",
    "percentile",
    "refused",
    "repeats",
    "token_recall",
]

_REFUSALS = re.compile(
    r"\b(i (do not|don't|don’t) (know|have (any |that |this |enough )?information)"
    r"|(text|document|passage|context)s? (above )?(does|do) ?(not|n't|n’t) "
    r"(say|mention|specify|provide|state|contain|answer)"
    r"|(is|are) not (mentioned|specified|stated|given|provided) in the)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_RUN_WORDS = 3
_FEWEST_REPEATED_WORDS = 9
_MOST_DIFFERENT = 0.5


@dataclass(frozen=True, slots=True)
class Metric:
    """What a figure means and which way is good."""

    name: str
    better: str
    """"higher" or "lower"."""
    meaning: str


METRICS = (
    Metric(
        "right",
        "higher",
        "Share of all questions answered rightly: with an accepted answer in it, the right label "
        "alone, the form asked for, or declined where there is no answer.",
    ),
    Metric("exact_match", "higher", "Share of answers equal to an accepted one."),
    Metric("f1", "higher", "Mean overlap of words with the nearest accepted answer."),
    Metric("contains", "higher", "Share of answers that contain an accepted one."),
    Metric("token_recall", "higher", "Mean share of an accepted answer's words that are said."),
    Metric("number_match", "higher", "Share of answers with all numbers of an accepted one."),
    Metric("accuracy", "higher", "Share of classified messages given the right label alone."),
    Metric("macro_f1", "higher", "F1 of each label, averaged over the labels."),
    Metric(
        "option_accuracy",
        "higher",
        "Share of questions whose right option the model finds the likeliest, by the sum of its "
        "tokens' log-probabilities (acc of evaluation harnesses); declined is wrong.",
    ),
    Metric(
        "option_accuracy_per_token",
        "higher",
        "The same by the mean of its tokens' log-probabilities, which is fairer to long options.",
    ),
    Metric("form_kept", "higher", "Share of answers that have the form asked for."),
    Metric("contains_trained", "higher", "The same, on facts that the adapter was trained on."),
    Metric("contains_untrained", "higher", "The same, on facts that it was not trained on."),
    Metric("answered", "higher", "Share of answerable questions that were not declined."),
    Metric(
        "refused_unanswerable",
        "higher",
        "Share of unanswerable questions declined: how complete declining is (its recall).",
    ),
    Metric(
        "refusal_precision",
        "higher",
        "Share of what was declined that is unanswerable: how exact declining is.",
    ),
    Metric("groundedness", "higher", "Mean share of an answer that what was read supports."),
    Metric("hit_at_k", "higher", "Share of questions whose document was among those retrieved."),
    Metric("hit_at_1", "higher", "Share of questions whose document was retrieved first."),
    Metric(
        "reciprocal_rank",
        "higher",
        "Mean of 1 / the place of the right document among those retrieved (MRR).",
    ),
    Metric("ndcg", "higher", "The same with 1 / log2(1 + place), which falls more slowly (nDCG)."),
    Metric(
        "passage_reciprocal_rank",
        "higher",
        "Mean of 1 / the place of the first retrieved passage that holds an accepted answer.",
    ),
    Metric("empty", "lower", "Share of questions to which nothing was said."),
    Metric("repeating", "lower", "Share of answers that say the same words over and over."),
    Metric(
        "latency_ms", "lower", "Median milliseconds from the question to the end of the answer."
    ),
    Metric("first_token_ms", "lower", "Median milliseconds to the first word."),
    Metric("prompt_tokens", "lower", "Mean tokens that the model read."),
    Metric("completion_tokens", "lower", "Mean tokens that it wrote."),
    Metric("watt_hours", "lower", "Mean watt-hours of the machine during an answer."),
    Metric("money_per_1000", "lower", "What a thousand questions cost, at the prices given."),
)


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where the answer equals an accepted one after `normalize`, else 0.0."""
    return float(any(normalize(answer) == normalize(value) for value in accepted))


def contains(answer: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where the words of an accepted answer stand in the answer in a row."""
    padded = f" {normalize(answer)} "
    return float(any(f" {normalize(value)} " in padded for value in accepted if normalize(value)))


def token_recall(answer: str, accepted: Sequence[str]) -> float:
    """Return the best share of an accepted answer's words that the answer says, from 0 to 1."""
    said = Counter(normalize(answer).split())
    wanted = [Counter(normalize(value).split()) for value in accepted]
    return max((sum((said & one).values()) / sum(one.values()) for one in wanted if one), default=0)


def number_match(answer: str, accepted: Sequence[str]) -> float | None:
    """Return 1.0 where all numbers of an accepted answer stand in the answer, else 0.0.

    1,000 is 1000, 2.50 is 2.5 and 06:40 is 6:40. None where no accepted answer has a number.
    """
    wanted = [numbers for value in accepted if (numbers := _numbers(value))]
    return float(any(one <= _numbers(answer) for one in wanted)) if wanted else None


def _numbers(text: str) -> set[str]:
    return {_plain_number(match[0]) for match in _NUMBER.finditer(text)}


def _plain_number(number: str) -> str:
    number = number.replace(",", "" if _THOUSANDS.fullmatch(number) else ".")
    if number.count(".") == 1:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"


def repeats(answer: str) -> bool:
    """Does the answer say the same few words over and over?

    So it is where fewer than half of its runs of three words are different ones.
    """
    words = normalize(answer).split()
    runs = [tuple(words[n : n + _RUN_WORDS]) for n in range(len(words) - _RUN_WORDS + 1)]
    long = len(words) >= _FEWEST_REPEATED_WORDS
    return long and len(set(runs)) < _MOST_DIFFERENT * len(runs)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of values; at least one."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


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
