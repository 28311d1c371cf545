"""Blocks to passages: the chunks that are embedded, found and shown."""

import bisect
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import ceil
from pathlib import PurePath

from rag_backend.parse.outline import ANSWER, QUESTION
from workbench.values import Block, Passage

PASSAGE_TOKENS = 90
"""Small passages suit a small reader: on 100 SQuAD 2.0 questions, the default model's answers
contained the right one in 46 cases with 90 tokens, and in 36 with 160."""
MAX_ROWS_TOKENS = 60
"""Short table rows share a passage up to this size: a row is a fact, and alone it is found best."""
MAX_LEAD_IN_TOKENS = 24
"""A block up to this size that ends without a full stop ("Opening hours:") leads in the next."""
MAX_REPEATED_TOKENS = 40
"""What each part of a split row or answer repeats (its first cell, its question), at most."""
_FULL_STOPS = (".", "!", "…", ".)", "!)", ".”", '."', ".»", "。")
_SMALLEST_SIZE_TOKENS = 16
_UNEVEN = 1.2
_BOUNDARIES = (r"\n+", r"(?<=[.!?…])[\"”’)\]]*\s+", r"(?<=[;:,])\s+", r"\s+")
"""Where a block is split: between lines, sentences, clauses, words; the first that helps."""


_Placed = tuple[str, int, int]
"""A passage's text, and where it begins and ends in the document's."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """Text that stays together where it fits."""

    text: str
    tokens: int
    start: int
    """Where it begins in the document's text."""
    alone: bool = False
    """A question with its answer shares its passage with nothing."""
    is_row: bool = False
    repeated: str = ""
    """What each part starts with when the text has to be split."""

    @property
    def is_lead_in(self) -> bool:
        """Whether this announces what follows rather than saying something itself."""
        plain = not (self.alone or self.is_row)
        return plain and self.tokens <= MAX_LEAD_IN_TOKENS and not self.text.endswith(_FULL_STOPS)


def split(
    blocks: Sequence[Block],
    count_tokens: Callable[[str], int],
    size_tokens: int = PASSAGE_TOKENS,
    overlap_tokens: int = 24,
) -> list[Passage]:
    """Make passages of at most ``size_tokens`` tokens: structure first, size second.

    A passage never crosses a heading or a page. Small paragraphs are merged, a question stays
    with its answer, table rows stay whole; what is larger than a passage is split at the ends of
    sentences, and its parts overlap by whole sentences of up to ``overlap_tokens``. Each knows
    its place in `document_text`; what a part only repeats stands outside of it.
    ``count_tokens`` may count special tokens for every text; those of one text fit in the size.
    """
    if size_tokens < _SMALLEST_SIZE_TOKENS:
        raise ValueError(f"size_tokens is {size_tokens}; use {_SMALLEST_SIZE_TOKENS} or more")
    if not 0 <= overlap_tokens <= size_tokens // 2:
        raise ValueError(
            f"overlap_tokens is {overlap_tokens}; use 0 to {size_tokens // 2}, half of size_tokens"
        )
    special = count_tokens("")

    @functools.cache  # the same sentences are counted again and again
    def count(text: str) -> int:
        return count_tokens(text) - special if text else 0

    starts = accumulate((len(block.text) + 1 for block in blocks), initial=0)
    placed = zip(starts, blocks, strict=False)
    passages: list[Passage] = []
    for (headings, page), group in groupby(
        placed, key=lambda pair: (pair[1].headings, pair[1].page)
    ):
        units = _with_lead_ins(_unit(block, start, count) for start, block in group)
        for text, start, end in _pack(units, count, size_tokens - special, overlap_tokens):
            passages.append(Passage(text, headings, page, start, end))
    return passages


def document_text(blocks: Iterable[Block]) -> str:
    """Return the whole text that passages have their places in: the blocks, a line end between."""
    return "\n".join(block.text for block in blocks)


def joined(passages: Sequence[Passage]) -> Passage:
    """Return passages that follow each other as one; what two of them share comes once."""
    first = passages[0]
    texts, end = [first.text], first.end
    for passage in passages[1:]:
        # What a part repeats of its block stands before its own text.
        own = passage.text[len(passage.text) - (passage.end - passage.start) :]
        fresh = own[max(0, end - passage.start) :]
        if fresh:
            texts += ["" if passage.start < end else "\n", fresh]
        end = max(end, passage.end)
    return Passage("".join(texts), first.headings, first.page, first.start, end)


def place_of(passage: str, text: str, end: int | None = None) -> tuple[int, int] | None:
    """Return where a passage stands in a document's text; None where it does not, any more.

    What a part repeats stands before its own text, so the longest end of it is looked up that
    the text holds; less than half of a passage is not it.

    Args:
        passage: its text.
        text: the document's, as it is now.
        end: where it ended when it was found, in characters: tells places alike from each other.
    """
    cut = bisect.bisect_left(range(len(passage)), True, key=lambda cut: passage[cut:] in text)
    own = passage[cut:]
    if not own or len(own) * 2 < len(passage):
        return None
    start = text.rfind(own, 0, end)
    start = text.index(own) if start < 0 else start
    return start, start + len(own)


def embedding_text(name: str, passage: Passage) -> str:
    """Return the passage under its document's name and headings: "handbook > Leave", then text.

    This is what is embedded and what the language model reads, so that a passage is also found
    by what stands only in the headings above it.
    """
    title = " ".join(PurePath(name).stem.replace("_", " ").split())
    path = [title, *passage.headings]
    if passage.headings and _letters(passage.headings[0]) == _letters(title):
        del path[0]
    return f"{' > '.join(path)}\n{passage.text}"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _unit(block: Block, start: int, count: Callable[[str], int]) -> _Unit:
    tokens = count(block.text)
    if block.cells:
        column, value = block.cells[0]
        first = f"{column}: {value}; " if column else f"{value}; "
        return _Unit(block.text, tokens, start, is_row=True, repeated=first)
    first_line, _, rest = block.text.partition("\n")
    if QUESTION.match(first_line) and any(ANSWER.match(line) for line in rest.split("\n")):
        return _Unit(block.text, tokens, start, alone=True, repeated=f"{first_line}\n")
    return _Unit(block.text, tokens, start)


def _with_lead_ins(units: Iterable[_Unit]) -> Iterator[_Unit]:
    """Join a line that leads in ("To apply, send:") with the paragraph or list after it."""
    lead_in: _Unit | None = None
    for unit in units:
        if lead_in is not None:
            if unit.is_lead_in or unit.is_row or unit.alone:
                yield lead_in
            else:
                # Counting the two again would cost more than the line end between them.
                lead = f"{lead_in.text}\n"
                tokens = lead_in.tokens + unit.tokens
                unit = _Unit(f"{lead}{unit.text}", tokens, lead_in.start, repeated=lead)
            lead_in = None
        if unit.is_lead_in:
            lead_in = unit
        else:
            yield unit
    if lead_in is not None:
        yield lead_in


def _pack(
    units: Iterable[_Unit], count: Callable[[str], int], size: int, overlap: int
) -> Iterator[_Placed]:
    """Fill passages with units in order; a unit larger than a passage is split."""
    line_end = count("\n")
    held: list[_Unit] = []
    tokens = 0
    for unit in units:
        limit = min(MAX_ROWS_TOKENS, size) if unit.is_row else size
        fits = tokens + unit.tokens <= limit and not unit.alone
        if held and not (fits and unit.is_row == held[0].is_row):
            yield _joined(held)
            held, tokens = [], 0
        if unit.tokens > size:
            yield from _parts(unit, count, size, overlap)
        elif unit.alone:
            yield _joined([unit])
        else:
            held.append(unit)
            tokens += unit.tokens + line_end
    if held:
        yield _joined(held)


def _joined(units: Sequence[_Unit]) -> _Placed:
    """Join units that follow each other, as they do in the document's text."""
    text = "\n".join(unit.text for unit in units)
    return text, units[0].start, units[0].start + len(text)


def _parts(unit: _Unit, count: Callable[[str], int], size: int, overlap: int) -> Iterator[_Placed]:
    """Split a unit into parts of similar size, each led by what the unit repeats."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    repeated, rest = unit.repeated, unit.text.removeprefix(unit.repeated)
    repeated_tokens = count(repeated)
    if repeated_tokens > min(MAX_REPEATED_TOKENS, size // 2):
        repeated, rest, repeated_tokens = "", unit.text, 0
    room = size - repeated_tokens
    # 100 tokens make two parts of about 50, rather than one of 90 and a scrap.
    even = ceil(unit.tokens / ceil(unit.tokens / room) * _UNEVEN)
    splitter = RecursiveCharacterTextSplitter(
        separators=list(_BOUNDARIES),
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=min(room, even),
        chunk_overlap=min(overlap, min(room, even) // 2),
        length_function=count,
    )
    begin = unit.start + len(unit.text) - len(rest)
    place, reached = -1, 0
    for chunk in splitter.split_text(rest):
        place = _place(chunk, rest, place + 1, reached)
        reached = place + len(chunk)
        start = begin + place
        for part in _cut(chunk, count, room):
            end = start + len(part)
            # Before the first part, what is repeated stands in the document itself.
            yield f"{repeated}{part}", unit.start if start == begin else start, end
            start = end


def _place(chunk: str, text: str, after: int, reached: int) -> int:
    """Return where a chunk of a text begins: at the last place that leaves no gap.

    There are several where a text says the same again and again.
    """
    while text[reached : reached + 1].isspace():
        reached += 1
    place = text.rfind(chunk, after, reached + len(chunk))
    return place if place >= 0 else text.rindex(chunk)


def _cut(text: str, count: Callable[[str], int], size: int) -> Iterator[str]:
    """Halve text without any white space, such as a long key or Chinese, until it fits."""
    pending = [text]
    while pending:
        part = pending.pop()
        if len(part) < 2 or count(part) <= size:
            yield part
        else:
            middle = len(part) // 2
            pending += [part[middle:], part[:middle]]
