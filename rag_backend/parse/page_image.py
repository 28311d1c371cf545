"""A page of a PDF as a picture, with what an answer relies on marked in it."""

import io
import re
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rag_backend.parse.ocr import recognised_rows
from rag_backend.parse.pdf_scan import page_picture
from rag_backend.parse.reader import READER
from workbench.errors import DocumentError

_DOTS_PER_POINT = 110 / 72
_MOST_PIXELS = 2_000
"""Of the picture's longer side; also of a page that claims to be as large as a house."""
_COLOUR = (255, 221, 87, 110)
_SHORTEST_PART = 4
_BETWEEN_PARTS = re.compile(r"[;:\n]|(?<=[.!?])\s")
# What a parser takes out: spaces, and hyphens where a word was broken.
_DROPPED = re.compile(r"[\s\u00ad\u2010\u2011-]")

_Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points."""


def page_image(path: Path, name: str, page: int, texts: Sequence[str]) -> bytes:
    """Return a page as a PNG with these texts marked where they can be found on it.

    It is drawn in the process that reads documents. A scanned page is recognised again for the
    marks, which takes a second or two.

    Args:
        path: of the PDF.
        name: what the person calls it.
        page: from 1.
        texts: as the parser gave them.

    Raises:
        DocumentError: the page can't be drawn.
    """
    with tempfile.TemporaryDirectory(prefix="ragtune-") as folder:
        request = {"path": str(path.absolute()), "name": name, "folder": folder}
        READER.ask({**request, "page": str(page), "texts": "\0".join(texts)}, name)
        return (Path(folder) / "page.png").read_bytes()


def draw(path: Path, name: str, page: int, texts: Sequence[str]) -> bytes:
    """Do what `page_image` does, in the process that calls."""
    import pypdfium2

    try:
        return _drawn(path, page, texts)
    except (pypdfium2.PdfiumError, IndexError, OSError, ValueError) as error:
        raise DocumentError(
            f"Page {page} of {name} can't be drawn ({type(error).__name__}: {error})."
        ) from error


def _drawn(path: Path, page: int, texts: Sequence[str]) -> bytes:
    import pypdfium2
    from PIL import Image, ImageDraw

    with pypdfium2.PdfDocument(path) as document:
        drawn = document[page - 1]
        width, height = drawn.get_size()
        scale = min(_DOTS_PER_POINT, _MOST_PIXELS / max(width, height))
        picture = drawn.render(scale=scale).to_pil().convert("RGBA")
        marks = Image.new("RGBA", picture.size)
        pen = ImageDraw.Draw(marks)
        for left, bottom, right, top in _marks(drawn, texts):
            # A PDF counts from the bottom.
            corners = (left, height - top, right, height - bottom)
            pen.rectangle([scale * corner for corner in corners], fill=_COLOUR)
        buffer = io.BytesIO()
        Image.alpha_composite(picture, marks).convert("RGB").save(buffer, "PNG")
        return buffer.getvalue()


def _marks(page: Any, texts: Sequence[str]) -> list[_Box]:
    """Return the boxes of the characters of texts; where a page is a picture, it is read again."""
    from pypdfium2 import raw

    textpage = page.get_textpage()
    boxes, missed = _boxes(
        textpage.get_text_range(), lambda number: textpage.get_charbox(number, loose=True), texts
    )
    if missed and any(page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])):
        letters, places = _recognised(page)
        boxes += _boxes(letters, places.__getitem__, missed)[0]
    return boxes


def _recognised(page: Any) -> tuple[str, list[_Box]]:
    """Return the letters in the picture of a page, and a box for each of them."""
    picture, scale = page_picture(page)
    letters, places = [], []
    for row in recognised_rows(picture):
        for piece in row:
            # Where a letter stands is only guessed, so spaces would leave gaps in the wrong places.
            inked = [letter for letter in piece.text if _plain(letter)]
            width = (piece.right - piece.left) / len(inked)
            for number, letter in enumerate(inked):
                left = piece.left + number * width
                bottom, top = picture.height - piece.bottom, picture.height - piece.top
                letters.append(letter)
                places.append((left / scale, bottom / scale, (left + width) / scale, top / scale))
    return "".join(letters), places


def _boxes(
    whole: str, box: Callable[[int], _Box], texts: Sequence[str]
) -> tuple[list[_Box], list[str]]:
    """Return the boxes of the characters of texts, and the texts of which nothing was found."""
    letters, places = [], []
    for number, character in enumerate(whole):
        for letter in _plain(character):
            letters.append(letter)
            places.append(number)
    plain = "".join(letters)
    boxes, missed = [], []
    for text in texts:
        parts = [text] if _plain(text) in plain else _BETWEEN_PARTS.split(text)
        found = []
        for part in filter(lambda part: len(part) >= _SHORTEST_PART, map(_plain, parts)):
            start = plain.find(part)
            if start >= 0:
                found += [
                    box(number) for number in dict.fromkeys(places[start : start + len(part)])
                ]
        boxes += found
        if not found:
            missed.append(text)
    return boxes, missed


def _plain(text: str) -> str:
    return _DROPPED.sub("", unicodedata.normalize("NFKC", text).casefold())
