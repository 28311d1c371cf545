"""XLSX: each sheet is a heading, each row a block with the names of its columns."""

import io
import warnings
from collections.abc import Iterator
from typing import Any

from rag_backend.parse.limits import MAX_TABLE_ROWS
from rag_backend.parse.outline import Outline
from rag_backend.parse.table import column_names
from rag_backend.parse.unzip import check_container
from rag_backend.parse.xlsx_cell import cell_text
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

_MAX_NAME_CHARACTERS = 100
"""What is longer does not name a column."""

_Row = dict[int, tuple[str, bool]]
"""The cells of a row that are not empty, by their column: the text, and whether it is text."""


def parse_xlsx(data: bytes, name: str) -> ParsedDocument:
    """Read an Excel workbook; of a formula, the value that was saved with it.

    Blank rows divide a sheet into tables. Hidden sheets are left out.
    """
    import openpyxl

    check_container(data, name, ".xlsx")
    outline = Outline(name)
    with warnings.catch_warnings():
        # They are about parts that openpyxl could not write back, such as drawings.
        warnings.simplefilter("ignore")
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in workbook.worksheets:
            if sheet.sheet_state == "visible":
                # Its claimed size may be anything, and rows would be filled up to it.
                sheet.reset_dimensions()
                columns: dict[int, str] | None = None
                for rows in _tables(sheet, name):
                    if columns is None:
                        outline.heading(1, sheet.title)
                    columns = _add_table(outline, rows, columns or {})
        workbook.close()
    return ParsedDocument(outline.blocks(), pages=None)


def _tables(sheet: Any, name: str) -> Iterator[list[_Row]]:
    """Yield the rows between blank ones."""
    table: list[_Row] = []
    count = 0
    for cells in sheet.iter_rows():
        texts = ((column, cell_text(cell)) for column, cell in enumerate(cells))
        row = {column: text for column, text in texts if text[0]}
        if row:
            count += 1
            table.append(row)
        elif table:
            yield table
            table = []
        if count > MAX_TABLE_ROWS:
            raise DocumentError(
                f"{name} has a sheet of more than {MAX_TABLE_ROWS:,} rows, which is the limit: "
                "split it into smaller files and add those."
            )
    if table:
        yield table


def _add_table(outline: Outline, rows: list[_Row], above: dict[int, str]) -> dict[int, str]:
    """Add the rows of a table and return the names of its columns.

    ``above`` are those of the table before, to which rows without a header of their own belong.
    """
    used = sorted(set().union(*rows))
    if len(used) == 1:
        for row in rows:
            outline.add(row[used[0]][0])
        return {}
    while len(rows) > 1 and len(rows[0]) == 1:
        # A line by itself on top of a table is its title.
        ((title, _),) = rows.pop(0).values()
        outline.heading(2, title)
    if _is_header(rows, used):
        header = rows.pop(0)
        names = column_names([header.get(column, ("", True))[0] for column in used], len(used))
        above = dict(zip(used, names, strict=True))
    elif _is_form(rows, used) or not above.keys() >= set(used):
        above = {}
    pairs = not above and len(used) == 2
    for row in rows:
        if pairs and len(row) == 2:
            # Names on the left, values on the right.
            (left, _), (right, _) = (row[column] for column in used)
            outline.row([(left.rstrip(":"), right)])
        else:
            outline.row([(above.get(column, ""), text) for column, (text, _) in row.items()])
    return above


def _is_header(rows: list[_Row], used: list[int]) -> bool:
    """Whether the first row names the columns: with text, differing, and for most of them."""
    first = [text for text, is_text in rows[0].values() if is_text]
    return (
        len(rows) > 1
        and len(set(first)) == len(rows[0])
        and len(first) > len(used) / 2
        and max(map(len, first)) <= _MAX_NAME_CHARACTERS
        and not _is_form(rows, used)
    )


def _is_form(rows: list[_Row], used: list[int]) -> bool:
    """Whether the rows are names and values: "Start date: | 1 May"."""
    return len(used) == 2 and rows[0].get(used[0], ("", True))[0].endswith(":")
