"""Plain text: paragraphs between blank lines, underlined and capital headings."""

import re
from itertools import groupby, pairwise

from rag_backend.parse.clean import lines, printable
from rag_backend.parse.decode import decode
from rag_backend.parse.outline import QUESTION, Outline
from workbench.values import ParsedDocument

_UNDERLINE = re.compile(r"\s*(={3,}|-{3,})\s*")
_RULE = re.compile(r"\s*([-=*_~#.])(?:\s*\1){2,}\s*")
_ITEM = re.compile(r"\s*(?:[-*+•·‣◦–]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)])\s+\S")
_FIELD = re.compile(r"\s*[^\s:][^:]{0,40}:\s")
_CAPITALS_LEVEL = 3
_MAX_CAPITALS_CHARACTERS = 80
_WRAPPED_FROM_CHARACTERS = 45
_MAX_CAPITAL_SHARE = 0.5


def parse_text(data: bytes, name: str) -> ParsedDocument:
    """Read plain text in any of the encodings that ``decode`` knows."""
    text = printable(decode(data, name))
    outline = Outline(name)
    letters = [letter for letter in text[:100_000] if letter.isalpha()]
    shouting = sum(map(str.isupper, letters)) > _MAX_CAPITAL_SHARE * len(letters)
    for blank, group in groupby(text.split("\n"), key=lambda line: not line.strip()):
        if not blank:
            _add_paragraph(outline, list(group), capitals=not shouting)
    return ParsedDocument(outline.blocks(), pages=None)


def join_wrapped(paragraph: list[str]) -> str:
    """Join the lines of a paragraph where they were wrapped; lists and short lines stay lines."""
    width = max(map(len, paragraph))
    joined = paragraph[0]
    for previous, line in pairwise(paragraph):
        # A line was wrapped if the next word would not have fitted into the paragraph's width.
        first_word = line.split(maxsplit=1)[0]
        wrapped = (
            width >= _WRAPPED_FROM_CHARACTERS
            and len(previous.rstrip()) + 1 + len(first_word) >= width * 0.9
        )
        starts_anew = _ITEM.match(line) or _FIELD.match(line)
        joined += (" " if wrapped and not starts_anew else "\n") + line
    return lines(joined)


def _add_paragraph(outline: Outline, paragraph: list[str], *, capitals: bool) -> None:
    if len(paragraph) == 1 and capitals and _is_capital_heading(paragraph[0]):
        outline.heading(_CAPITALS_LEVEL, paragraph[0])
        return
    start = 0
    for index, line in enumerate(paragraph):
        underline = _UNDERLINE.fullmatch(line)
        if underline and index == start + 1 and not _ITEM.match(paragraph[start]):
            outline.heading(1 if "=" in underline[1] else 2, paragraph[start])
            start = index + 1
        elif _RULE.fullmatch(line):
            # A rule between parts says nothing that can be searched for.
            _add_lines(outline, paragraph[start:index])
            start = index + 1
        elif index > start and QUESTION.match(line.lstrip()):
            _add_lines(outline, paragraph[start:index])
            start = index
    _add_lines(outline, paragraph[start:])


def _add_lines(outline: Outline, paragraph: list[str]) -> None:
    if paragraph:
        outline.add(join_wrapped(paragraph))


def _is_capital_heading(line: str) -> bool:
    line = line.strip()
    letters = sum(map(str.isalpha, line))
    return (
        line.isupper()
        and letters >= 3
        and letters > len(line) / 2
        and len(line) <= _MAX_CAPITALS_CHARACTERS
        and (line[-1].isalnum() or line[-1] in ")?:")
        and not QUESTION.match(line)
    )
