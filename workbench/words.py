"""Answers compared word by word, by SQuAD's rules.

Source of the normalisation and F1: Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for
Machine Comprehension of Text", and its evaluation script.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation + "–—‘’“”…")


def normalize(text: str) -> str:
    """Lower-case a text and drop punctuation, articles and extra space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def f1(answer: str, accepted: Sequence[str]) -> float:
    """Return the best harmonic mean of word precision and recall, from 0 to 1."""
    return max((_f1(answer, value) for value in accepted), default=0.0)


def _f1(answer: str, value: str) -> float:
    said, expected = normalize(answer).split(), normalize(value).split()
    common = sum((Counter(said) & Counter(expected)).values())
    if not common:
        return float(said == expected)
    precision, recall = common / len(said), common / len(expected)
    return 2 * precision * recall / (precision + recall)
