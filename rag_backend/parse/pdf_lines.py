"""The lines of a PDF page, with the place, size and weight that pypdf reports for their pieces."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag_backend.parse.clean import one_line

_BOLD = re.compile(r"bold|black|heavy", re.IGNORECASE)
_LEADERS = re.compile(r"(?:\s?[.·…]){5,}\s?")
"""The dots between an entry of a table of contents and its page number."""


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. Lengths are in points; ``y`` grows upwards."""

    text: str
    page: int
    x: float
    y: float
    size: float
    bold: bool
    pieces: tuple[tuple[float, str], ...] = ()
    """Where each piece begins, and its text: the cells of a table row are pieces of their own."""


class PageLines:
    """Collects what pypdf's ``visitor_text`` is called with, and makes lines of it."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._lines: list[Line] = []
        self._pieces: list[tuple[str, float, float, float, bool]] = []

    def visit(
        self,
        text: str,
        user_matrix: Sequence[float],
        text_matrix: Sequence[float],
        font: dict[str, Any] | None,
        font_size: float,
    ) -> None:
        """Take one piece of text; a line end in it closes the line."""
        *complete, rest = text.split("\n")
        for part in complete:
            self._take(part, user_matrix, text_matrix, font, font_size)
            self._close()
        self._take(rest, user_matrix, text_matrix, font, font_size)

    def lines(self) -> list[Line]:
        """Return the lines of the page in the order of the file."""
        self._close()
        return self._lines

    def _take(
        self,
        text: str,
        user: Sequence[float],
        matrix: Sequence[float],
        font: dict[str, Any] | None,
        font_size: float,
    ) -> None:
        if not text:
            return
        # The text matrix, then the user matrix (PDF 32000-1, 9.4.4): where the piece begins, and
        # how much a font size of 1 is scaled upwards.
        up_x = matrix[2] * user[0] + matrix[3] * user[2]
        up_y = matrix[2] * user[1] + matrix[3] * user[3]
        x = matrix[4] * user[0] + matrix[5] * user[2] + user[4]
        y = matrix[4] * user[1] + matrix[5] * user[3] + user[5]
        size = abs(font_size) * math.hypot(up_x, up_y)
        bold = font is not None and bool(_BOLD.search(str(font.get("/BaseFont", ""))))
        self._pieces.append((text, x, y, size, bold))

    def _close(self) -> None:
        pieces, self._pieces = self._pieces, []
        text = one_line(_LEADERS.sub(" … ", "".join(piece[0] for piece in pieces)))
        if not text:
            return
        inked = [piece for piece in pieces if piece[0].strip()]
        longest = max(inked, key=lambda piece: len(piece[0]))
        # Half points: the same size comes out a little different after each scaling.
        size = round(longest[3] * 2) / 2 or 1.0
        bold = all(piece[4] for piece in inked)
        placed = tuple((piece[1], one_line(piece[0])) for piece in inked)
        self._lines.append(Line(text, self._page, inked[0][1], inked[0][2], size, bold, placed))
