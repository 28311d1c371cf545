"""What one could ask for: spans of a text that answer a question, found by their form."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from finetune_backend.writer.alone import stands_alone
from workbench.sentences import sentence_spans

MAX_ANSWER_WORDS = 10
MAX_SENTENCE_WORDS = 60
_NUMERALS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    "|sixty|seventy|eighty|ninety|hundred|thousand|half|third|quarter|tenth"
    "|first|second|fourth|fifth|sixth|seventh|eighth|ninth"
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NAME = r"[A-ZÀ-Þ][\w’'-]*"
_NO_UNIT = (
    "a|about|after|and|are|as|at|because|before|but|by|for|from|had|has|have|if|in|is|may|must|of"
    "|on|or|so|than|that|the|then|they|to|was|we|were|when|which|who|with|you"
)
_TELLING = (
    # 12 March 2026, March 2026, March and October
    rf"(?:\d{{1,2}}\.? )?(?:{_MONTHS})(?: \d{{1,2}},)?(?: \d{{4}}| and (?:{_MONTHS}))?\b",
    # €1,180, 3.2 bar, 44 cents per kilometre, 9:30, 20 %, nine years, fourth day
    rf"(?:[€$£¥] ?)?(?:\d+(?:[.,:/–-]\d+)*|\b(?i:{_NUMERALS})(?:-[a-z]+)?\b)"
    rf"(?: ?[%‰°][CF]?| (?!(?:{_NO_UNIT})\b)[a-zA-Z][\w-]*(?: per \w+)?)?",
    # Nadja Orsolt, House of Lords; LN-207
    rf"{_NAME}(?:(?: (?:of|the|de|von|van|für|du))? {_NAME})*",
    r"[“\"]([^”\"]{2,60})[”\"]",
)
"""Numbers with what they count, dates, names, what is quoted."""
_VERBS = "is|are|was|were|has|have|had|must|may|can"
_PHRASE = (
    rf" ((?:an? |the )?[a-zà-þ][\w-]*(?: (?!(?:{_VERBS})\b)[\w-]+){{0,3}}?)"
    r"(?=[.,;:!?)]|$| (?:and|or|that|which|who|when|if|so|for|in|on|at|from|to|with|by|of"
    rf"|{_VERBS})\b)"
)
_SAID = (
    # is a tram depot, are called goosefeet, is made of poplar
    r"\b(?:is|are|was|were|means|called|named)(?: \w+ (?:of|with|as|by|in|at|from))?" + _PHRASE,
    # of poplar, with kapok, on the left axle bracket
    r"\b(?:of|as|with|in|on|at|from|by)" + _PHRASE,
)
"""What something is, is made of, is done with; the likelier fact first."""
_MOST_SAID = 2
_MARK = re.compile(r"^(?:A|Q|Answer|Question) ?: ?")
_EMPTY = frozenset(
    word
    for line in (
        "it this that these those he she they you we them us him me his your our my i its their",
        "all which what who there in on at",
    )
    for word in line.split()
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a text says and that can be asked for."""

    answer: str
    """As it stands in the text."""
    sentence: str
    """The one that says it."""


def find_facts(text: str) -> list[Fact]:
    """Return the facts of a paragraph in reading order; none is part of another's answer."""
    return [
        Fact(sentence[start:end], sentence)
        for sentence in _sentences(text)
        for start, end in _spans(sentence)
    ]


def facts_named(answers: Sequence[str], text: str) -> list[Fact]:
    """Return the facts of a paragraph that these answers name, those that do not stand in it
    left out."""
    found = []
    for sentence in _sentences(text):
        for answer in answers:
            if answer in sentence and 0 < len(answer.split()) <= MAX_ANSWER_WORDS:
                found.append(Fact(answer, sentence))
    return found


def sentence_answers(fact: Fact) -> bool:
    """Can the fact's sentence be an answer by itself: short enough, and clear without others?"""
    return len(fact.sentence.split()) <= MAX_SENTENCE_WORDS and stands_alone(fact.sentence)


def _sentences(text: str) -> Iterator[str]:
    for start, end in sentence_spans(text):
        sentence = _MARK.sub("", text[start:end])
        # A question answers nothing.
        if not sentence.endswith(("?", ":")):
            yield sentence


def _spans(sentence: str) -> list[tuple[int, int]]:
    """Return what tells most, and of the rest as much as makes a few."""
    kept = _apart([*_found(_TELLING, sentence)])
    most = max(len(kept) + 1, _MOST_SAID)
    for start, end in _found(_SAID, sentence):
        if len(kept) < most and all(end <= a or start >= b for a, b in kept):
            kept.append((start, end))
    return sorted(kept)


def _found(patterns: Sequence[str], sentence: str) -> Iterator[tuple[int, int]]:
    for pattern in patterns:
        for match in re.finditer(pattern, sentence):
            start, end = match.span(match.lastindex or 0)
            words = sentence[start:end].split()
            if not 0 < len(words) <= MAX_ANSWER_WORDS or words[0].casefold() in _EMPTY:
                continue
            # A sentence's first word is written like a name, whatever it is.
            if start == 0 and len(words) == 1 and not any(c.isdigit() for c in words[0]):
                continue
            yield start, end


def _apart(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans that do not overlap, the earlier of the list and the longer first; in order."""
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        over = [one for one in kept if start < one[1] and one[0] < end]
        if all(end - start > b - a for a, b in over):
            kept = [*(one for one in kept if one not in over), (start, end)]
    return sorted(kept)
