"""Text recognition (OCR): the lines of text in the picture of a page."""

import functools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from rag_backend.parse.clean import one_line
from rag_backend.parse.pdf_lines import Line

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PIXELS = 2_000
"""A larger picture is made smaller; on a sheet of paper this is a printed letter's 170 dpi."""
_MIN_SIDE_PIXELS = 736
"""A smaller picture gets a margin; else the recogniser enlarges it, a thin one beyond measure."""
_LETTER_SHARE = 0.86
"""A font's size as a share of the height of the box that is found around its line."""
_SAME_ROW_SHARE = 0.5
_WIDE_SHARE = 0.6
"""What is wider than this share of the text stands across columns."""
_FULL_SHARE = 0.7
"""Lines of running text fill a column; the cells of a table don't."""
_FEWEST_LINES = 3
_SAME_SIZE_SHARE = 0.25
_MAX_THREADS = 8
"""Each takes memory of its own, and the process has a limit."""
_LOST_SPACE = re.compile(r"(?<=[^\W\d_A-Z][.,;:!?])(?=[A-ZÀ-Ý])")
"""Between two sentences, where the recogniser often sees none."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a line, in pixels from the top left."""

    text: str
    left: float
    right: float
    top: float
    bottom: float


def recognised(picture: "Image", page: int, points_per_pixel: float) -> list[Line]:
    """Return the lines of text in a picture in reading order, as lines of a page."""
    return [
        Line(
            text=" ".join(piece.text for piece in row),
            page=page,
            x=row[0].left * points_per_pixel,
            y=(picture.height - max(piece.bottom for piece in row)) * points_per_pixel,
            size=median(p.bottom - p.top for p in row) * points_per_pixel * _LETTER_SHARE,
            bold=False,
        )
        for row in recognised_rows(picture)
    ]


def recognised_rows(picture: "Image") -> list[list[Piece]]:
    """Return the pieces of each line of text in a picture, in reading order.

    Latin, Chinese and Japanese letters are known; of others nothing, or nonsense, is read.
    """
    import numpy as np

    # It takes the colours in OpenCV's order. Its check for lines that stand on their heads is off,
    # because it turned some that did not.
    found = _recogniser()(np.asarray(_fitting(picture))[:, :, ::-1], use_cls=False)
    if found.boxes is None:
        return []
    return _in_reading_order(
        [
            Piece(
                _LOST_SPACE.sub(" ", text),
                left=float(min(x for x, _ in box)),
                right=float(max(x for x, _ in box)),
                top=float(min(y for _, y in box)),
                bottom=float(max(y for _, y in box)),
            )
            for box, text in zip(found.boxes, map(one_line, found.txts), strict=True)
            if any(map(str.isalnum, text))
        ]
    )


def with_even_sizes(pages: list[list[Line]]) -> list[list[Line]]:
    """Give lines of about the same height the same size: it is only measured from their letters."""
    sizes = [line.size for page in pages for line in page for _ in line.text]
    if not sizes:
        return pages
    body = median(sizes)

    def even(size: float) -> float:
        return body if abs(size - body) <= _SAME_SIZE_SHARE * body else size

    return [
        [replace(line, size=round(even(line.size) * 2) / 2 or 1.0) for line in page]
        for page in pages
    ]


@functools.cache
def _recogniser() -> Any:
    """Load the recogniser, whose models come with its package: nothing is downloaded."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": MAX_SIDE_PIXELS,
            "EngineConfig.onnxruntime.intra_op_num_threads": min(_MAX_THREADS, os.cpu_count() or 1),
        }
    )


def _fitting(picture: "Image") -> "Image":
    """Return the picture in colours, with a margin if it is small."""
    from PIL import Image

    size = (max(picture.width, _MIN_SIDE_PIXELS), max(picture.height, _MIN_SIDE_PIXELS))
    ground = Image.new("RGB", size, "white")
    ground.paste(picture)
    return ground


def _in_reading_order(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return rows of pieces from top to bottom, and two columns one after the other."""
    if not pieces:
        return []
    width = max(p.right for p in pieces) - min(p.left for p in pieces)
    ordered: list[list[Piece]] = []
    between: list[Piece] = []
    for row in _rows(pieces):
        if any(piece.right - piece.left > _WIDE_SHARE * width for piece in row):
            ordered += [*_columns(between), row]
            between = []
        else:
            between += row
    return ordered + _columns(between)


def _rows(pieces: Sequence[Piece]) -> list[list[Piece]]:
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.top + p.bottom):
        first = rows[-1][0] if rows else None
        if first is not None:
            apart = abs(piece.top + piece.bottom - first.top - first.bottom) / 2
            lower = min(piece.bottom - piece.top, first.bottom - first.top)
            if apart < _SAME_ROW_SHARE * lower:
                rows[-1].append(piece)
                continue
        rows.append([piece])
    return [sorted(row, key=lambda piece: piece.left) for row in rows]


def _columns(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return the rows of the left column, then those of the right one, if there are two."""
    by_place = sorted(pieces, key=lambda piece: piece.left)
    reach = 0.0
    for index, piece in enumerate(by_place):
        left, right = by_place[:index], by_place[index:]
        if piece.left > reach and _is_column(left) and _is_column(right):
            return _rows(left) + _rows(right)
        reach = max(reach, piece.right)
    return _rows(pieces)


def _is_column(pieces: Sequence[Piece]) -> bool:
    if len(pieces) < _FEWEST_LINES:
        return False
    width = max(p.right for p in pieces) - min(p.left for p in pieces)
    return median(p.right - p.left for p in pieces) >= _FULL_SHARE * width
