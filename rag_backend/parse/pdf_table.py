"""Tables on a PDF page: a header, and below it cells that stand under its names."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag_backend.parse.pdf_lines import Line

_SAME_PLACE_POINTS = 2.0
_MAX_HEADER_LINES = 8
_CELL_GAP = 0.8
"""How far apart, in font sizes, two pieces are at least that are no words of one cell."""
_FEWEST_PLAIN_ROWS = 3
"""So many rows make a header of a line that is not bold."""
_PLAIN_NAME = re.compile(r"(?=.*[^\W\d_]{2})[^\d:;,!?]+")
"""Words without a figure, and none that lead in what stands beside them."""
_FIGURE_WORDS = 3
_NARROW, _WIDE = frozenset(" .,:;'!|()[]/-fijlrtI"), frozenset("mwMW%@")

Row = list[tuple[str, str]]
"""The (column, value) pairs of one row."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """Words beside each other. Where they end is only estimated, from their letters."""

    text: str
    left: float
    right: float


def table_at(lines: Sequence[Line], start: int) -> tuple[list[Row], int]:
    """Read the table whose header begins at ``lines[start]``.

    Returns its rows and the index of the first line after it; no rows where there is no table.
    The header is bold, or a plain line of names above rows with a column of figures.
    """
    end = start
    while (
        end < min(len(lines), start + _MAX_HEADER_LINES)
        and lines[end].bold
        and lines[end].size == lines[start].size
    ):
        end += 1
    if end > start:
        return _table(lines, start, end)
    if not all(_PLAIN_NAME.fullmatch(cell.text) for cell in _cells(lines[start])):
        return [], start
    rows, after = _table(lines, start, start + 1)
    one_line_each = len(rows) == after - start - 1
    if len(rows) < _FEWEST_PLAIN_ROWS or not one_line_each or not _has_figures(rows):
        return [], start
    return rows, after


def _table(lines: Sequence[Line], start: int, end: int) -> tuple[list[Row], int]:
    """Return the rows below the header ``lines[start:end]``, and the index after the last."""
    columns = _columns(lines[start:end])
    if len(columns) < 2:
        return [], start
    header, consumed = next(iter(_rows(lines[start:end], columns)), ([""], 0))
    if consumed != end - start or not all(header):
        return [], start
    rows: list[Row] = []
    after = end
    for cells, consumed in _rows(lines[end:], columns):
        # A row of one cell is more likely the paragraph after the table.
        if sum(map(bool, cells)) < 2:
            break
        rows.append(list(zip(header, cells, strict=True)))
        after = end + consumed
    return rows, after


def _cells(line: Line) -> list[_Cell]:
    """Return the pieces of a line, those that are words of one cell together."""
    cells: list[_Cell] = []
    for x, text in line.pieces:
        right = x + _width(text) * line.size
        last = cells[-1] if cells else None
        if last and last.left <= x < last.right + _CELL_GAP * line.size:
            cells[-1] = _Cell(f"{last.text} {text}", last.left, max(last.right, right))
        else:
            cells.append(_Cell(text, x, right))
    return cells


def _width(text: str) -> float:
    """Estimate how wide a text is set, in font sizes, from the widths of Helvetica's letters."""
    return sum(
        0.28 if letter in _NARROW
        else 0.85 if letter in _WIDE
        else 1.0 if unicodedata.east_asian_width(letter) in "WF"
        else 0.68 if letter.isupper()
        else 0.54
        for letter in text
    )  # fmt: skip


def _columns(header: Sequence[Line]) -> list[_Cell]:
    """Return the header's cells as columns; what stands above each other is one."""
    columns: list[_Cell] = []
    for cell in sorted((cell for line in header for cell in _cells(line)), key=lambda c: c.left):
        last = columns[-1] if columns else None
        if last and cell.left <= max(last.right, last.left + 2 * _SAME_PLACE_POINTS):
            columns[-1] = replace(last, right=max(last.right, cell.right))
        else:
            columns.append(cell)
    return columns


def _rows(lines: Sequence[Line], columns: Sequence[_Cell]) -> list[tuple[list[str], int]]:
    """Return the rows at the top of ``lines``, each with the number of lines used up to its end.

    A page draws row by row and, in a row, cell by cell, each with all of its lines; how high the
    lines stand says little, because short cells are centred beside tall ones.
    """
    rows: list[tuple[list[str], int]] = []
    last = len(columns)
    for index, line in enumerate(lines):
        cells = _cells(line)
        places = [place for cell in cells for place in _place(cell, columns)]
        # A line belongs to the table with all of its cells or not at all.
        if not cells or len(places) != len(cells) or places != sorted(places):
            break
        if places[0] < last:
            rows.append(([""] * len(columns), index + 1))
        row = rows[-1][0]
        for place, cell in zip(places, cells, strict=True):
            row[place] = f"{row[place]} {cell.text}".strip()
        rows[-1] = (row, index + 1)
        last = places[-1]
    return rows


def _place(cell: _Cell, columns: Sequence[_Cell]) -> list[int]:
    """Return the column that a cell begins with, or else the only one that it stands under."""
    begun = [i for i, c in enumerate(columns) if abs(cell.left - c.left) <= _SAME_PLACE_POINTS]
    under = [i for i, c in enumerate(columns) if cell.left < c.right and c.left < cell.right]
    return begun or (under if len(under) == 1 else [])


def _has_figures(rows: Sequence[Row]) -> bool:
    """Whether all that stands in some column, but for the first, is figures."""
    columns = [[cell for _, cell in column if cell] for column in zip(*rows, strict=True)]
    return any(column and all(map(_is_figure, column)) for column in columns[1:])


def _is_figure(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return 2 * digits > sum(map(str.isalnum, text)) and len(text.split()) <= _FIGURE_WORDS
