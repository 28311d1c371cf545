"""PDF: pages to lines, with pypdf and, where a page is a picture, with text recognition."""

import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rag_backend.parse.limits import MAX_PAGES, MAX_SCANNED_PAGES, MAX_TEXT_CHARACTERS
from rag_backend.parse.outline import Outline
from rag_backend.parse.pdf_lines import Line, PageLines
from rag_backend.parse.pdf_outline import add_pages
from rag_backend.parse.pdf_running import without_running_lines
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

if TYPE_CHECKING:
    from pypdf import PdfReader

_END_MARK = b"%%EOF"
_END_WITHIN_BYTES = 4096
_ENTRIES_PER_PAGE = 2
"""Pages hang in a tree, whose inner nodes are fewer than they."""
_FEW_CHARACTERS = 200
"""What is typed on a scan is shorter: a stamp, a page number, a line on who may use it."""
_MAX_FORM_DEPTH = 3
"""A picture may lie in a form, and that in another."""


def parse_pdf(
    data: bytes, name: str, page_done: Callable[[], None] = lambda: None
) -> ParsedDocument:
    """Read a PDF; pages are counted from 1.

    The text of a page is recognised where it has pictures and no text, or little over a picture of
    the whole page, and ``page_done`` is called after it. Raises DocumentError for PDFs with a
    password, incomplete ones, and those without text.
    """
    from pypdf.errors import LimitReachedError

    if _END_MARK not in data[-_END_WITHIN_BYTES:]:
        # pypdf would repair what there is, and the missing pages would go unnoticed.
        raise DocumentError(
            f"{name} is incomplete, because the end of the PDF is missing: download or save it "
            "again and add that."
        )
    try:
        pages, pictured = _read(data, name)
    except LimitReachedError as error:
        raise DocumentError(
            f"{name} was refused, because it unpacks to far more than a PDF needs ({error}): print "
            "it to a new PDF and add that."
        ) from error
    scanned: list[int] = []
    if pictured:
        from rag_backend.parse.pdf_scan import scanned_among, scanned_lines, with_own

        stamped = scanned_among(data, [number for number in pictured if pages[number - 1]])
        scanned = [number for number in pictured if number in stamped or not pages[number - 1]]
        if len(scanned) > MAX_SCANNED_PAGES:
            raise DocumentError(
                f"{name} has {len(scanned):,} scanned pages and the limit is "
                f"{MAX_SCANNED_PAGES:,}: split it, or run text recognition (OCR) on it, and add "
                "that."
            )
        for number, lines in zip(scanned, scanned_lines(data, scanned, page_done), strict=True):
            pages[number - 1] = with_own(lines, pages[number - 1])
    if not any(pages):
        what = "images without words" if scanned else "empty pages or drawings"
        raise DocumentError(f"{name} has no text, only {what}: add a document with text.")
    outline = Outline(name)
    add_pages(outline, without_running_lines(pages))
    return ParsedDocument(outline.blocks(), pages=len(pages), scanned=len(scanned))


def _read(data: bytes, name: str) -> tuple[list[list[Line]], list[int]]:
    """Return the lines of every page, and the numbers of those with pictures and few letters."""
    from pypdf import PdfReader

    # pypdf reports each oddity of a file as a warning; a person can do nothing about them.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentError(
            f"{name} is protected by a password: remove the password and add it again."
        )
    if _count(reader) > MAX_PAGES:
        raise DocumentError(
            f"{name} has more than {MAX_PAGES:,} pages, which is the limit: split it into smaller "
            "files and add those."
        )
    pages: list[list[Line]] = []
    pictured: list[int] = []
    characters = 0
    for number, page in enumerate(reader.pages, start=1):
        collector = PageLines(number)
        page.extract_text(visitor_text=collector.visit)
        lines = collector.lines()
        on_page = sum(len(line.text) for line in lines)
        characters += on_page
        if characters > MAX_TEXT_CHARACTERS:
            raise DocumentError(
                f"{name} holds more than {MAX_TEXT_CHARACTERS:,} characters of text, which is the "
                "limit: split it into smaller files and add those."
            )
        pages.append(lines)
        if on_page < _FEW_CHARACTERS and _has_image(page):
            pictured.append(number)
    return pages, pictured


def _count(reader: "PdfReader") -> int:
    """Return the number of pages by walking them, since /Count may lie, as far as the limit."""
    from pypdf import apply_configuration
    from pypdf.errors import LimitReachedError

    try:
        with apply_configuration(page_tree_maximum_entries=_ENTRIES_PER_PAGE * MAX_PAGES):
            return len(reader.pages)
    except LimitReachedError:
        return MAX_PAGES + 1


def _has_image(holder: Any, depth: int = 0) -> bool:
    """Whether a page, or a form on it, has a picture; none is decoded."""
    resources = holder.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    for item in (objects.get_object() if objects is not None else {}).values():
        found = item.get_object()
        if not isinstance(found, dict):
            continue
        if found.get("/Subtype") == "/Image":
            return True
        if depth < _MAX_FORM_DEPTH and _has_image(found, depth + 1):
            return True
    return False
