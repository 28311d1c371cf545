"""Citations: which passage says what an answer says, found by aligning their words.

The model is never asked. A sentence of the answer is supported where the words that it adds to
the question stand close together in a passage that was read, its numbers and names among them.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_backend.search.lexical import STOP_WORDS, UNSPACED
from workbench.sentences import sentence_spans

SUPPORTED = 0.8
"""The share of a sentence's words that its passage has to hold; see benchmarks/citations.py."""
_WINDOW = 3
"""Sentences of a passage that may support one of the answer together."""
_LONGER = 0.02
"""What every further sentence has to add."""
_TELLING_WEIGHT = 2.0
# A number with its inner marks, a letter of a script without spaces, or a word.
_TOKEN = re.compile(rf"\d+(?:[.,:/’'-]\d+)*|{UNSPACED}|[^\W\d_]+")
_ENDINGS = ("ies", "ing", "es", "ed", "ly", "s")
_SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a source's text, in characters."""

    source: int
    """Its number among the sources, from 0."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, and what supports it."""

    start: int
    """Where it stands in the answer, in characters."""
    end: int
    support: float
    """Share of its words that the best place holds, from 0 to 1; numbers and names count
    twice."""
    by: Span | None
    """That place; None where it does not support the sentence."""


@dataclass(frozen=True, slots=True)
class _Word:
    stem: str
    telling: bool
    """A number, or a name: where one of these is another, all of the sentence is wrong."""


def cite(
    answer: str, sources: Sequence[tuple[str, str]], question: str = ""
) -> tuple[Sentence, ...]:
    """Link every sentence of an answer to the place that supports it.

    Args:
        answer: its whole text.
        sources: what the model read: for each passage the line above it, whose words count
            for every place in it, and its text.
        question: what was asked; its own words support nothing, unless a sentence has no
            others.
    """
    asked = {word.stem for word in _words(question)}
    asked |= {stem + "d" for stem in asked if stem.endswith("e")}  # too short to be stemmed
    places = [
        place
        for number, (above, text) in enumerate(sources)
        for place in _places(number, above, text)
    ]
    return tuple(
        _supported(answer, start, end, asked, places) for start, end in sentence_spans(answer)
    )


def with_place(document: str, headings: Sequence[str], text: str) -> tuple[str, str]:
    """Return a source as `cite` takes it: where it stands is what is above it."""
    return " ".join((document, *headings)), text


def groundedness(answer: str, sentences: Sequence[Sentence]) -> float | None:
    """Return the mean support of an answer's sentences, each counting by its length.

    None for an empty answer.
    """
    sizes = [sentence.end - sentence.start for sentence in sentences]
    if not sum(sizes):
        return None
    total = sum(size * one.support for size, one in zip(sizes, sentences, strict=True))
    return total / sum(sizes)


@dataclass(frozen=True, slots=True)
class _Place:
    span: Span
    stems: set[str]
    sentences: int


def _supported(
    answer: str, start: int, end: int, asked: set[str], places: Sequence[_Place]
) -> Sentence:
    said = {word.stem: word.telling for word in _words(answer[start:end])}
    added = {stem: telling for stem, telling in said.items() if stem not in asked} or said
    weights = {stem: _TELLING_WEIGHT if telling else 1.0 for stem, telling in added.items()}
    whole = sum(weights.values())
    best, support = None, 0.0
    if whole:
        scored = [
            (sum(weight for stem, weight in weights.items() if stem in place.stems) / whole, place)
            for place in places
        ]
        # Among equals, the shortest place that comes first.
        support, best = max(
            scored,
            key=lambda pair: pair[0] - _LONGER * (pair[1].sentences - 1),
            default=(0.0, None),
        )
    telling = {stem for stem, tells in added.items() if tells}
    holds = best is not None and support >= SUPPORTED and telling <= best.stems
    return Sentence(start, end, support, best.span if holds and best else None)


def _places(number: int, above: str, text: str) -> Iterator[_Place]:
    """Yield every run of up to three sentences of a source."""
    everywhere = {word.stem for word in _words(above)}
    sentences = list(sentence_spans(text))
    for first in range(len(sentences)):
        for last in range(first, min(first + _WINDOW, len(sentences))):
            start, end = sentences[first][0], sentences[last][1]
            stems = everywhere.union(word.stem for word in _words(text[start:end]))
            yield _Place(Span(number, start, end), stems, last - first + 1)


def _words(text: str) -> Iterator[_Word]:
    """Yield a sentence's words that tell something, without their endings."""
    first = True
    for match in _TOKEN.finditer(text):
        word = unicodedata.normalize("NFKC", match[0]).casefold()
        if word[0].isdigit():
            # 1,000 and 1000 are one number, 17:20 and 1720 are not.
            yield _Word(word.replace(",", "").replace("’", "").replace("'", ""), True)
        elif word not in STOP_WORDS:
            yield _Word(_stem(word), match[0][0].isupper() and not first)
        first = False


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
