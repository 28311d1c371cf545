"""A document's paragraphs with an answer swapped or taken out, and as a page to be indexed."""

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from itertools import groupby

from workbench.sentences import sentence_spans
from workbench.values import Block

_DEEPEST = 6
"""HTML has no more levels of headings."""


def holds(block: Block, forms: Iterable[str]) -> bool:
    """Does a form of an answer stand in a paragraph, as whole words?"""
    return any(_pattern(form).search(block.text) for form in forms)


def swapped(block: Block, became: Sequence[tuple[str, str]]) -> Block:
    """Return a paragraph in which texts are replaced, all at once.

    Args:
        block: the paragraph.
        became: what is replaced by what; where several could be, the longest is.
    """
    return replace(
        block,
        text=_replaced(block.text, became),
        cells=tuple((column, _replaced(value, became)) for column, value in block.cells),
    )


def without(blocks: Sequence[Block], forms: Sequence[str]) -> list[Block]:
    """Return paragraphs without the sentences, and the cells, in which an answer stands."""
    kept = []
    for block in blocks:
        if not holds(block, forms):
            kept.append(block)
        elif block.cells:
            cells = tuple(c for c in block.cells if not holds(Block(c[1]), forms))
            if cells:
                text = "; ".join(f"{name}: {value}" if name else value for name, value in cells)
                kept.append(replace(block, text=text, cells=cells))
        else:
            sentences = [block.text[start:end] for start, end in sentence_spans(block.text)]
            text = " ".join(one for one in sentences if not holds(Block(one), forms))
            if text:
                kept.append(replace(block, text=text))
    return kept


def as_page(blocks: Sequence[Block]) -> bytes:
    """Write paragraphs as HTML with their headings and tables, as text that is read the same."""
    parts, above = list[str](), tuple[str, ...]()
    for (headings, columns), group in groupby(blocks, lambda b: (b.headings, _columns(b))):
        parts += _headings(above, headings)
        above = headings
        if columns:
            parts.append(_table(columns, [[value for _, value in b.cells] for b in group]))
        else:
            parts += (f"<p>{escape(b.text).replace(chr(10), '<br>')}</p>" for b in group)
    return "\n".join(['<meta charset="utf-8">', *parts]).encode()


def _headings(above: tuple[str, ...], headings: tuple[str, ...]) -> Iterator[str]:
    """Yield what leads from one place in a document to the next."""
    if above == headings:
        return
    same = 0
    while same < min(len(above), len(headings)) and above[same] == headings[same]:
        same += 1
    # Only a heading closes another one: back in the section above, its own comes again.
    first = min(same, len(headings) - 1)
    for level in range(max(0, first), len(headings)):
        tag = f"h{min(level + 1, _DEEPEST)}"
        yield f"<{tag}>{escape(headings[level])}</{tag}>"


def _columns(block: Block) -> tuple[str, ...]:
    """Return the names of a table row's columns; none where it is better written as text."""
    names = tuple(name for name, _ in block.cells)
    return names if len(names) > 1 and all(names) else ()


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = ("".join(f"<td>{escape(value)}</td>" for value in row) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in body)}</table>"


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    """Find a form as whole words, and a number not as a part of another one."""
    words = r"\s+".join(map(re.escape, form.split()))
    # "Harness" is a name where "harness" is none.
    flags = 0 if any(map(str.isupper, form)) else re.IGNORECASE
    return re.compile(rf"(?<!\w)(?<!\d[.,]){words}(?!\w)(?![.,]\d)", flags)


def _replaced(text: str, became: Sequence[tuple[str, str]]) -> str:
    matches = [(match, new) for old, new in became for match in _pattern(old).finditer(text)]
    parts, reached = [], 0
    for match, new in sorted(matches, key=lambda pair: (pair[0].start(), -pair[0].end())):
        if match.start() >= reached:
            parts += [text[reached : match.start()], new]
            reached = match.end()
    return "".join((*parts, text[reached:]))
