"""Answers without their names: in an order of chance, and all in one plain form.

What would tell the methods apart though it says nothing about the answer is taken away: marks,
lists, numbers of sources, and talk of "the text above", which only a method with documents has.
The length stays, since what was said stays.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from comparison.columns import Column
from comparison.metrics import refused
from workbench.sentences import sentence_spans

DECLINED = "I don't know."
"""What every answer says that only declines."""
_DRAW = random.SystemRandom()
_READ = r"(?:text|document|passage|context|excerpt|source|information)s?"
_WHICH = (
    rf"(?:the|this|these|your) (?:given |provided |above )?{_READ}(?: (?:above|given|provided))?"
)
_OPENING = re.compile(
    rf"(?:based on|according to|judging by|as (?:stated|mentioned|described|given) in|from|in) "
    rf"{_WHICH}[,:] ",
    re.IGNORECASE,
)
_SAYS = re.compile(rf"{_WHICH} (?:says?|states?|mentions?|specif(?:y|ies)) that ", re.IGNORECASE)
_ABOUT_THE_TEXT = re.compile(
    rf"(?:this|that|it|the answer|this information)(?: (?:is|was|can be|comes))?"
    rf"(?: \w+)? (?:in|from|by) {_WHICH}\W*",
    re.IGNORECASE,
)
# Before a number, "-" and ">" may belong to what is said.
_LINE_MARK = re.compile(r"\A\s*(?:#{1,6}|>+|[-*+•–])\s+(?=[^\W\d])")
_ITEM = re.compile(r"\A\s*(?:[-*+•–]|\d{1,3}[.)])\s+")
_MARKS = re.compile(r"\*\*|__|`+|\s*\[\d+\]|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_ENDS = ".!?…:;,。！？"


@dataclass(frozen=True, slots=True)
class Round:
    """One question whose answers are shown without names."""

    question: str
    """As the methods were asked."""
    order: tuple[Column, ...]
    """Whose answer stands at which place."""
    texts: tuple[str, ...]
    """The answers as they are shown, in that order."""


def new_round(
    question: str, answers: Sequence[tuple[Column, str]], draw: random.Random = _DRAW
) -> Round:
    """Return the answers in plain form, in an order that is drawn anew.

    Args:
        question: as the methods were asked.
        answers: columns with what they answered.
        draw: where chance comes from.
    """
    shuffled = draw.sample(list(answers), len(answers))
    columns, texts = [column for column, _ in shuffled], [text for _, text in shuffled]
    return Round(question, tuple(columns), tuple(map(plain_form, texts)))


def letter(place: int) -> str:
    """Name a place, from 0: "A", "B" …"""
    return chr(ord("A") + place)


def plain_form(text: str) -> str:
    """Return an answer without what tells which method gave it, as one paragraph.

    An empty one stays empty.
    """
    whole = _one_paragraph(text)
    sentences = [whole[start:end] for start, end in sentence_spans(whole)]
    if not sentences:
        return whole
    said = [one for one in sentences if not refused(one)]
    said = [one for one in said if not _ABOUT_THE_TEXT.fullmatch(one)] or said
    return " ".join(map(_direct, said)) or DECLINED


def _one_paragraph(text: str) -> str:
    lines = [
        line
        for line in text.splitlines()
        if line.strip("-*_=#>` \t") and not line.lstrip().startswith("```")
    ]
    mark = _ITEM if sum(bool(_ITEM.match(line)) for line in lines) > 1 else _LINE_MARK
    whole = ""
    for line in lines:
        said = _MARKS.sub("", _LINK.sub(r"\1", mark.sub("", line)))
        # What ended as an item of a list ends as a part of a sentence.
        between = "" if not whole else " " if whole[-1] in _ENDS else ", "
        whole += between + said.strip()
    return whole


def _direct(sentence: str) -> str:
    """Return a sentence that says the thing, not that a text says it."""
    for opening in (_OPENING, _SAYS):
        if found := opening.match(sentence):
            rest = sentence[found.end() :]
            sentence = rest[:1].upper() + rest[1:]
    return sentence
