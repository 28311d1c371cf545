"""Tables on a PDF page: a bold header, and below it cells that begin where its names begin."""

from collections.abc import Iterator, Sequence

from rag_backend.parse.pdf_lines import Line

_SAME_PLACE_POINTS = 2.0
_MAX_HEADER_LINES = 8

Row = list[tuple[str, str]]
"""The (column, value) pairs of one row."""


def table_at(lines: Sequence[Line], start: int) -> tuple[list[Row], int]:
    """Read the table whose header begins at ``lines[start]``.

    Returns its rows and the index of the first line after it; no rows where there is no table.
    Only left-aligned columns are seen; other tables stay lines of text.
    """
    end = start
    while (
        end < min(len(lines), start + _MAX_HEADER_LINES)
        and lines[end].bold
        and lines[end].size == lines[start].size
    ):
        end += 1
    places = _places(lines[start:end])
    if len(places) < 2:
        return [], start
    header, consumed = next(iter(_rows(lines[start:end], places)), ([""], 0))
    if consumed != end - start or not all(header):
        return [], start
    rows: list[Row] = []
    after = end
    for cells, consumed in _rows(lines[end:], places):
        # A row of one cell is more likely the paragraph after the table.
        if sum(map(bool, cells)) < 2:
            break
        rows.append(list(zip(header, cells, strict=True)))
        after = end + consumed
    return rows, after


def _places(header: Sequence[Line]) -> list[float]:
    """Return where the columns begin: the distinct places of the header's pieces."""
    places: list[float] = []
    for x in sorted(x for line in header for x, _ in line.pieces):
        # Twice, so that a piece can begin at one place only.
        if not places or x - places[-1] > 2 * _SAME_PLACE_POINTS:
            places.append(x)
    return places


def _rows(lines: Sequence[Line], places: Sequence[float]) -> list[tuple[list[str], int]]:
    """Return the rows at the top of ``lines``, each with the number of lines used up to its end.

    A page draws row by row and, in a row, cell by cell, each with all of its lines; how high the
    lines stand says little, because short cells are centred beside tall ones.
    """
    rows: list[tuple[list[str], int]] = []
    last = len(places)
    for index, line in enumerate(lines):
        columns = [column for x, _ in line.pieces for column in _columns_at(x, places)]
        # A line belongs to the table with all of its pieces or not at all.
        if len(columns) != len(line.pieces) or columns != sorted(columns):
            break
        if columns[0] < last:
            rows.append(([""] * len(places), index + 1))
        cells = rows[-1][0]
        for column, (_, text) in zip(columns, line.pieces, strict=True):
            cells[column] = f"{cells[column]} {text}".strip()
        rows[-1] = (cells, index + 1)
        last = columns[-1]
    return rows


def _columns_at(x: float, places: Sequence[float]) -> Iterator[int]:
    return (i for i, place in enumerate(places) if abs(x - place) <= _SAME_PLACE_POINTS)
