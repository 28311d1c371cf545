"""Printed pages to blocks: which paragraphs are headings, by the size of their letters."""

from collections.abc import Sequence

from rag_backend.parse.outline import Outline
from rag_backend.parse.pdf_lines import Line
from rag_backend.parse.pdf_paragraphs import HEADING_SCALE, Paragraph, paragraphs

_BOLD_HEADING_SCALE = 1.05
_MAX_HEADING_LEVELS = 6
_SAME_SIZE_SCALE = 1.03


def add_pages(outline: Outline, pages: Sequence[Sequence[Line]]) -> None:
    """Add the lines of pages as paragraphs and table rows under their headings."""
    found = paragraphs(pages)
    sizes = _heading_sizes(found)
    for paragraph in found:
        if paragraph.cells:
            outline.row(paragraph.cells, paragraph.page)
        elif _is_heading(paragraph, sizes):
            level = next(
                level
                for level, size in enumerate(sizes, start=1)
                if paragraph.size * _SAME_SIZE_SCALE >= size or level == len(sizes)
            )
            outline.heading(min(level, _MAX_HEADING_LEVELS), paragraph.text, paragraph.page)
        else:
            outline.add(paragraph.text, paragraph.page)


def _heading_sizes(found: list[Paragraph]) -> list[float]:
    """Return the body's font size last, and before it the sizes of headings, largest first."""
    characters: dict[float, int] = {}
    for paragraph in found:
        characters[paragraph.size] = characters.get(paragraph.size, 0) + len(paragraph.text)
    if not characters:
        return []
    body = max(characters, key=lambda size: (characters[size], -size))
    sizes: list[float] = []
    for size in sorted(characters, reverse=True):
        larger = size >= body * _BOLD_HEADING_SCALE
        if larger and (not sizes or size * _SAME_SIZE_SCALE < sizes[-1]):
            sizes.append(size)
    return [*sizes, body]


def _is_heading(paragraph: Paragraph, sizes: list[float]) -> bool:
    scale = _BOLD_HEADING_SCALE if paragraph.bold else HEADING_SCALE
    # A slide's large figure and a drop cap's single letter head nothing.
    letters = sum(map(str.isalpha, paragraph.text[:20]))
    return paragraph.size >= sizes[-1] * scale and letters >= 2
