"""The pages of a PDF that are pictures: drawn with PDFium, and their text recognised."""

from collections.abc import Callable, Sequence

from rag_backend.parse.ocr import MAX_SIDE_PIXELS, recognised, with_even_sizes
from rag_backend.parse.pdf_lines import Line

_DOTS_PER_POINT = 200 / 72


def scanned_lines(
    data: bytes, numbers: Sequence[int], page_done: Callable[[], None]
) -> list[list[Line]]:
    """Return the lines of the pages with these numbers, which count from 1."""
    import pypdfium2

    pages: list[list[Line]] = []
    with pypdfium2.PdfDocument(data) as document:
        for number in numbers:
            page = document[number - 1]
            scale = min(_DOTS_PER_POINT, MAX_SIDE_PIXELS / max(page.get_size()))
            picture = page.render(scale=scale).to_pil()
            page.close()
            pages.append(recognised(picture, number, 1 / scale))
            page_done()
    return with_even_sizes(pages)
