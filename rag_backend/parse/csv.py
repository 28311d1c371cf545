"""CSV: one block per row, with the names from the first row."""

import csv
import re
from collections.abc import Iterator

from rag_backend.parse.clean import one_line, printable
from rag_backend.parse.decode import decode
from rag_backend.parse.limits import MAX_TEXT_CHARACTERS
from rag_backend.parse.outline import Outline
from rag_backend.parse.table import column_names
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_NEVER = "\x1f"
"""A delimiter that cannot occur: ``printable`` has removed it."""
_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d[%]?")


def parse_csv(data: bytes, name: str) -> ParsedDocument:
    """Read a table whose first row names the columns.

    Nothing is dropped: a column without a name is called "column 3", and so are cells beyond
    the last named column. Missing cells are tolerated.
    """
    # The limit is one per process; the length of the whole text is checked elsewhere.
    csv.field_size_limit(MAX_TEXT_CHARACTERS)
    text = printable(decode(data, name))
    delimiter = None
    if text[:4].lower() == "sep=" and text[5:6] == "\n":
        # Excel's own way of naming the delimiter.
        delimiter, text = text[4], text[6:]
    rows = _rows(text, delimiter or _sniff(text), name)
    header = next(rows, None)
    if header is None:
        raise DocumentError(f"{name} has no text in it: add a table with a header row and rows.")
    if all(_NUMBER.fullmatch(cell) for cell in header if cell):
        raise DocumentError(
            f"{name} has no header row: its first row must name the columns, but holds only "
            "numbers; add a row of names at the top."
        )
    outline = Outline(name)
    columns = column_names(header, len(header))
    for row in rows:
        if len(row) > len(columns):
            columns = column_names(header, len(row))
        outline.row(list(zip(columns, row, strict=False)))
    blocks = outline.blocks()
    if not blocks:
        raise DocumentError(
            f"{name} has a header row but no rows under it: add a table with at least one row."
        )
    return ParsedDocument(blocks, pages=None)


def _rows(text: str, delimiter: str, name: str) -> Iterator[list[str]]:
    """Yield the cells of each row that is not blank."""
    # Strict reading refuses an unclosed quotation mark, which would swallow the rest of the
    # file, but also harmless ones (`"5" nails`); only the first is worth refusing.
    strict = csv.reader(text.split("\n"), delimiter=delimiter, strict=True)
    try:
        for _ in strict:
            pass
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise DocumentError(
                f"{name} has a quotation mark that is opened and never closed, so its rows cannot "
                "be told apart: close it, or save the table again from the program that made it."
            ) from error
        if "field larger" in str(error):
            raise DocumentError(
                f"{name} has a cell of more than {MAX_TEXT_CHARACTERS:,} characters, which is the "
                "limit: shorten it and add the file again."
            ) from error
    for row in csv.reader(_with_line_ends(text), delimiter=delimiter):
        cells = [one_line(cell) for cell in row]
        if any(cells):
            yield cells


def _with_line_ends(text: str) -> Iterator[str]:
    # A line end inside quotation marks must stay, or its two lines would run together.
    return (f"{line}\n" for line in text.split("\n"))


def _sniff(text: str) -> str:
    """Choose the delimiter that divides the header and most evenly the first rows."""
    sample = [f"{line}\n" for line in text[:200_000].split("\n", 4 * _SNIFFED_ROWS)]
    best, best_score = _NEVER, (0.0, 0)
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        for row in csv.reader(sample[: 4 * _SNIFFED_ROWS], delimiter=delimiter):
            if any(cell.strip() for cell in row):
                widths.append(len(row))
            if len(widths) == _SNIFFED_ROWS:
                break
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best
