"""The pages of a PDF that are pictures: drawn with PDFium, and their text recognised."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from rag_backend.parse.ocr import MAX_SIDE_PIXELS, recognised, with_even_sizes
from rag_backend.parse.pdf_lines import Line

if TYPE_CHECKING:
    from PIL.Image import Image

_DOTS_PER_POINT = 200 / 72
_COVERED_SHARE = 0.5
"""How much of a page its pictures cover where it is a scan."""
_SAME_LINE = 0.8
"""How alike, of 1, a line and what was recognised of it are."""


def scanned_among(data: bytes, numbers: Sequence[int]) -> list[int]:
    """Return which of the pages with these numbers are scans, though they hold some text.

    Pictures cover most of such a page. One with invisible text is not among them: its text has
    been recognised before, and put there to be found.
    """
    import pypdfium2

    with pypdfium2.PdfDocument(data) as document:
        return [number for number in numbers if _is_scan(document[number - 1])]


def _is_scan(page: Any) -> bool:
    from pypdfium2 import raw

    left, bottom, right, top = page.get_bbox()
    covered = 0.0
    for item in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_TEXT]):
        if item.type == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
                return False
            continue
        box, form = item.get_bounds(), item.container
        while form is not None:
            box, form = form.get_matrix().on_rect(*box), form.container
        width = min(box[2], right) - max(box[0], left)
        height = min(box[3], top) - max(box[1], bottom)
        covered += max(width, 0.0) * max(height, 0.0)
    return bool(covered >= _COVERED_SHARE * (right - left) * (top - bottom))


def scanned_lines(
    data: bytes, numbers: Sequence[int], page_done: Callable[[], None]
) -> list[list[Line]]:
    """Return the recognised lines of the pages with these numbers, which count from 1."""
    import pypdfium2

    pages: list[list[Line]] = []
    with pypdfium2.PdfDocument(data) as document:
        for number in numbers:
            page = document[number - 1]
            picture, scale = page_picture(page)
            page.close()
            pages.append(recognised(picture, number, 1 / scale))
            page_done()
    return with_even_sizes(pages)


def page_picture(page: Any) -> tuple["Image", float]:
    """Draw a page so that it can be read; returns with it how many pixels a point has."""
    scale = min(_DOTS_PER_POINT, MAX_SIDE_PIXELS / max(page.get_size()))
    return page.render(scale=scale).to_pil(), scale


def with_own(read: Sequence[Line], own: Sequence[Line]) -> list[Line]:
    """Return what was recognised on a page, and of the page's own lines those that it misses.

    A page's own line, such as a scanner's stamp, is drawn and so recognised as well; its own
    letters are right.
    """
    lines = list(read)
    whole = _letters("".join(line.text for line in read))
    missed: list[Line] = []
    for line in own:
        if alike := get_close_matches(line.text, [one.text for one in lines], 1, _SAME_LINE):
            lines[[one.text for one in lines].index(alike[0])] = line
        elif _letters(line.text) not in whole:
            missed.append(line)
    top = max((line.y for line in lines), default=0.0)
    above = [line for line in missed if line.y > top]
    return above + lines + [line for line in missed if line.y <= top]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
