"""PDF: pages to lines with pypdf, lines to paragraphs and headings."""

import io
import logging
from typing import TYPE_CHECKING

from rag_backend.parse.limits import MAX_PAGES, MAX_TEXT_CHARACTERS
from rag_backend.parse.outline import Outline
from rag_backend.parse.pdf_lines import Line, PageLines
from rag_backend.parse.pdf_paragraphs import HEADING_SCALE, Paragraph, paragraphs
from rag_backend.parse.pdf_running import without_running_lines
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

if TYPE_CHECKING:
    from pypdf import PdfReader

_END_MARK = b"%%EOF"
_END_WITHIN_BYTES = 4096
_BOLD_HEADING_SCALE = 1.05
_MAX_HEADING_LEVELS = 6
_SAME_SIZE_SCALE = 1.03


def parse_pdf(data: bytes, name: str) -> ParsedDocument:
    """Read a PDF that holds text; pages are counted from 1.

    Raises DocumentError for PDFs with a password, incomplete ones and scans without text.
    """
    if _END_MARK not in data[-_END_WITHIN_BYTES:]:
        # pypdf would repair what there is, and the missing pages would go unnoticed.
        raise DocumentError(
            f"{name} is incomplete, because the end of the PDF is missing: download or save it "
            "again and add that."
        )
    pages = _read(data, name)
    kept = without_running_lines(pages)
    found = paragraphs(kept)
    outline = Outline(name)
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
    return ParsedDocument(outline.blocks(), pages=len(pages))


def _read(data: bytes, name: str) -> list[list[Line]]:
    """Return the lines of every page."""
    from pypdf import PdfReader

    # pypdf reports each oddity of a file as a warning; a person can do nothing about them.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentError(
            f"{name} is protected by a password: remove the password and add it again."
        )
    # Counted by walking the pages, not read from /Count, which may lie.
    if len(reader.pages) > MAX_PAGES:
        raise DocumentError(
            f"{name} has {len(reader.pages):,} pages and the limit is {MAX_PAGES:,}: split it into "
            "smaller files and add those."
        )
    pages: list[list[Line]] = []
    characters = 0
    for number, page in enumerate(reader.pages, start=1):
        collector = PageLines(number)
        page.extract_text(visitor_text=collector.visit)
        lines = collector.lines()
        characters += sum(len(line.text) for line in lines)
        if characters > MAX_TEXT_CHARACTERS:
            raise DocumentError(
                f"{name} holds more than {MAX_TEXT_CHARACTERS:,} characters of text, which is the "
                "limit: split it into smaller files and add those."
            )
        pages.append(lines)
    if not any(pages):
        what = "only images" if _has_images(reader) else "only empty pages or drawings"
        raise DocumentError(
            f"{name} has no text, {what}: if it is a scan, run text recognition (OCR) on it and "
            "add the result."
        )
    return pages


def _has_images(reader: "PdfReader") -> bool:
    # The dictionaries only: decoding the images could take long.
    for page in reader.pages:
        resources = page.get("/Resources")
        objects = resources.get_object().get("/XObject") if resources is not None else None
        for item in (objects.get_object() if objects is not None else {}).values():
            if item.get_object().get("/Subtype") == "/Image":
                return True
    return False


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
