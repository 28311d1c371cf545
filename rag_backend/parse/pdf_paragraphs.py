"""Printed lines to paragraphs: where a line was wrapped, and where a paragraph ends."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag_backend.parse.outline import ANSWER, QUESTION
from rag_backend.parse.pdf_lines import Line
from rag_backend.parse.pdf_table import Row, table_at

_HYPHENS = ("-", "\u2010")
_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_ITEM = re.compile(r"(?:[•▪◦‣∙●○■□–*·-]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)])\s+\S")
_SENTENCE_END = (".", "!", "?", ":", ";", ".”", '."', ".)", "?”", "!”", "…")
_FIRST_SENTENCE = re.compile(r".{1,400}?[.!?][\"”)]?(?=\s|$)", re.DOTALL)
_GAP_TOLERANCE = 0.35
"""How much further apart than usual, in font sizes, two lines of one paragraph may stand."""
_USUAL_GAP = 1.2
HEADING_SCALE = 1.15
"""How much larger than the body's a heading's letters are."""
_INDENT = 0.8
_FULL_LINE = 0.85
"""A line is wrapped if the next word would have filled it beyond this share of its width."""
_NARROWEST_COLUMN = 30
"""In letters: in a text of short lines only, none of them was wrapped."""
_CHARACTER_WIDTH = 0.5
"""A letter's usual width in font sizes, to turn an indent into a number of letters."""


@dataclass(slots=True)
class Paragraph:
    """Lines that were joined again, or a table row. ``page`` is the page of the first line."""

    text: str
    page: int
    size: float
    bold: bool
    cells: Row = field(default_factory=list)


def paragraphs(pages: Sequence[Sequence[Line]]) -> list[Paragraph]:
    """Join the lines of each page to paragraphs.

    Where a page ends within a sentence, the rest of that sentence joins the page it began on;
    everything else stays on its own page.
    """
    lines = [line for page in pages for line in page]
    if not lines:
        return []
    layout = _Layout(lines)
    words = _Words(lines)
    found: list[Paragraph] = []
    for page in pages:
        on_page = [_paragraph(group, words) for group in _groups(page, layout)]
        if on_page and found:
            _carry_over(found[-1], on_page[0], words)
        found += [paragraph for paragraph in on_page if paragraph.text]
    return found


def _groups(page: Sequence[Line], layout: "_Layout") -> list[list[Line] | tuple[Line, Row]]:
    """Return the lines of each paragraph, and each table row with its table's first line."""
    groups: list[list[Line] | tuple[Line, Row]] = []
    index = 0
    while index < len(page):
        line = page[index]
        rows, after = table_at(page, index)
        if rows:
            groups += [(line, row) for row in rows]
            index = after
            continue
        last = groups[-1] if groups else None
        if isinstance(last, list) and layout.continues(last, line):
            last.append(line)
        else:
            groups.append([line])
        index += 1
    return groups


def _paragraph(group: list[Line] | tuple[Line, Row], words: "_Words") -> Paragraph:
    if isinstance(group, tuple):
        line, row = group
        return Paragraph("table row", line.page, line.size, bold=False, cells=row)
    text = words.join([line.text for line in group])
    return Paragraph(text, group[0].page, group[0].size, all(line.bold for line in group))


def _carry_over(last: Paragraph, first: Paragraph, words: "_Words") -> None:
    """Move the end of a sentence that a page break cut to where the sentence began."""
    if last.cells or first.cells:
        return
    sentence_is_open = not last.text.endswith(_SENTENCE_END) and len(last.text) > 40
    if not (sentence_is_open and first.text[0].islower() and first.size == last.size):
        return
    match = _FIRST_SENTENCE.match(first.text)
    end = match.end() if match else len(first.text)
    last.text = words.join([last.text, first.text[:end]])
    first.text = first.text[end:].lstrip()


class _Layout:
    """What is usual in a document, learned from all of its lines: leading and line lengths."""

    def __init__(self, lines: Sequence[Line]) -> None:
        characters: Counter[float] = Counter()
        for line in lines:
            characters[line.size] += len(line.text)
        self._body_size = characters.most_common(1)[0][0]
        gaps: Counter[float] = Counter()
        for above, below in pairwise(lines):
            gap = (above.y - below.y) / above.size
            if above.page == below.page and above.size == below.size and 0.8 < gap < 2.5:
                gaps[round(gap * 20) / 20] += 1
        # Between equals the smaller gap: the larger one is that between paragraphs.
        self._gap = max(gaps, key=lambda gap: (gaps[gap], -gap)) if gaps else _USUAL_GAP
        self._lengths: dict[tuple[float, int], int] = {}
        for line in lines:
            key = self._column(line)
            self._lengths[key] = max(self._lengths.get(key, 0), len(line.text))
        body = [line for line in lines if line.size == self._body_size]
        columns = Counter(round(line.x) for line in body)
        self._body_x = columns.most_common(1)[0][0]
        self._body_length = max(
            (len(line.text) for line in body if round(line.x) == self._body_x), default=0
        )

    def continues(self, paragraph: Sequence[Line], line: Line) -> bool:
        """Whether ``line`` belongs to the paragraph of the lines before it."""
        above = paragraph[-1]
        if line.size != above.size or (line.bold != above.bold and all(p.bold for p in paragraph)):
            return False
        if _ITEM.match(line.text) or QUESTION.match(line.text) or ANSWER.match(line.text):
            return False
        open_sentence = not above.text.endswith(_SENTENCE_END) and line.text[0].islower()
        gap = (above.y - line.y) / line.size
        if gap < 0:  # the next column, or a line that was drawn out of order
            return open_sentence
        if gap > self._gap + _GAP_TOLERANCE:
            return False
        if line.size > HEADING_SCALE * self._body_size:
            return True  # a heading over several lines is centred or short as it likes
        if open_sentence:
            return True
        in_item = bool(_ITEM.match(paragraph[0].text))
        indent = _INDENT * line.size
        if line.x > above.x + indent and not in_item:
            return False
        if line.x < paragraph[0].x - indent and (in_item or len(paragraph) > 1):
            return False
        first_word = line.text.split(maxsplit=1)[0]
        return len(above.text) + 1 + len(first_word) >= _FULL_LINE * self._full_length(above)

    def _column(self, line: Line) -> tuple[float, int]:
        return line.size, round(line.x)

    def _full_length(self, line: Line) -> float:
        """Estimate how many letters a line fits that begins where this one does."""
        indent = (line.x - self._body_x) / (line.size * _CHARACTER_WIDTH)
        scaled = self._body_length * self._body_size / line.size
        widest = max(scaled - max(indent, 0.0), self._lengths[self._column(line)])
        return max(widest, _NARROWEST_COLUMN)


class _Words:
    """The words of a document, to tell a hyphen at a line end from one inside a word."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._words: set[str] = set()
        cut = False
        for line in lines:
            text = line.text.lower()
            found = _WORD.findall(text)
            # The halves of a word that a line end cut are no words.
            first = 1 if cut else 0
            cut = text.endswith(_HYPHENS)
            self._words.update(found[first : len(found) - 1 if cut else len(found)])
            self._words.update(_HYPHENATED.findall(text))

    def join(self, texts: Sequence[str]) -> str:
        """Join wrapped lines with spaces, or without one where a word was cut."""
        parts = [texts[0]]
        for text in texts[1:]:
            above = parts[-1]
            if len(above) > 1 and above.endswith(_HYPHENS) and above[-2].isalpha():
                if text[0].islower() and not self._keeps_hyphen(above, text):
                    parts[-1] = above[:-1]
                parts.append(text)
            else:
                parts += [" ", text]
        return "".join(parts)

    def _keeps_hyphen(self, above: str, below: str) -> bool:
        left = _WORD.findall(above[-60:].lower())[-1]
        right = _WORD.findall(below[:60].lower())[0]
        if f"{left}-{right}" in self._words:
            return True
        if left + right in self._words:
            return False
        # "twenty-five" is two words of the document, "infor-mation" is none.
        return left in self._words and right in self._words
