"""Running headers, footers and page numbers, which are the same on most pages."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product, zip_longest

from rag_backend.parse.pdf_lines import Line

_EDGE_LINES = 3
"""How many lines at the top and at the bottom of a page may be running ones."""
_PAGE_SHARE = 0.4
"""Below a half, because left and right pages often have headers of their own."""
_SAME_HEIGHT_POINTS = 4.0
_MAX_NUMBERS = 5
_MIN_CHAPTER_PAGES = 4
_FIRST = re.compile(r"(\d{1,5})\s")
_LAST = re.compile(r"\s(\d{1,5})$")
_NUMBER = re.compile(r"\d{1,5}")


_Key = tuple[str, int]
"""What makes a line the same on another page, and its height there."""


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Drop the edge lines that stand on most pages with the same words at the same height.

    A number in such a line may differ only as the page number does; a table whose rows look
    alike on every page is therefore kept.
    """
    needed = max(2, _PAGE_SHARE * len(pages))
    body_size = _body_size(pages)
    counts: Counter[_Key] = Counter()
    chapter_counts: Counter[_Key] = Counter()
    edges = [_edges(lines) for lines in pages]
    for edge in edges:
        counts.update({key for line in edge for key in _keys(line)})
        chapter_counts.update({key for line in edge for key in _chapter_keys(line, body_size)})

    def is_running(line: Line) -> bool:
        return any(counts[key] >= needed for key in _keys(line)) or any(
            chapter_counts[key] >= max(_MIN_CHAPTER_PAGES, needed)
            for key in _chapter_keys(line, body_size)
        )

    kept: list[list[Line]] = []
    for lines, edge in zip(pages, edges, strict=True):
        running = {id(line) for line in edge if is_running(line)}
        kept.append([line for line in lines if id(line) not in running])
    # Pages that hold nothing else, such as a form printed again and again, are content.
    return kept if any(kept) else [list(lines) for lines in pages]


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    characters: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            characters[line.size] += len(line.text)
    return max(characters, key=lambda size: characters[size], default=0.0)


def _edges(lines: Sequence[Line]) -> list[Line]:
    by_height = sorted(lines, key=lambda line: line.y)
    if len(by_height) <= 2 * _EDGE_LINES:
        return by_height
    return by_height[:_EDGE_LINES] + by_height[-_EDGE_LINES:]


def _keys(line: Line) -> Iterator[_Key]:
    """Yield the line once for each way in which its numbers may follow the page number.

    A number that follows is written as its distance from the page number, which is the same on
    every page; after a preface it is not 0. With two numbers there are four ways.
    """
    height = round(line.y / _SAME_HEIGHT_POINTS)
    words = _NUMBER.split(line.text)
    numbers = _NUMBER.findall(line.text)
    if len(numbers) > _MAX_NUMBERS:
        yield line.text, height
        return
    for ways in product(*((number, f"<{int(number) - line.page:+}>") for number in numbers)):
        yield "".join(map("".join, zip_longest(words, ways, fillvalue=""))), height


def _chapter_keys(line: Line, body_size: float) -> Iterator[_Key]:
    """Yield where a line begins or ends with a number that follows the page number.

    The words beside it may differ: they are often the title of the chapter. Larger letters are
    left alone, because slides are titled "1 Aims", "2 Means".
    """
    if line.size > body_size:
        return
    height = round(line.y / _SAME_HEIGHT_POINTS)
    for side, found in (("first", _FIRST.match(line.text)), ("last", _LAST.search(line.text))):
        if found:
            yield f"{side} {int(found[1]) - line.page:+}", height
