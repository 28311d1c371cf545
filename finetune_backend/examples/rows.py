"""The rows of a CSV, JSONL or JSON file, each with the number a person would find it by."""

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from finetune_backend.examples.columns import (
    MOST_COLUMNS,
    PREVIEW_CHARS,
    PREVIEW_ROWS,
    Preview,
    folded,
    names_pair,
    unnamed,
    wanted_columns,
)
from finetune_backend.examples.wording import shorten
from finetune_backend.examples.write import unprotect_cell
from workbench.errors import ExamplesError

Row = tuple[int, dict[str, object] | str]
"""The number of a row, and its fields; or a sentence that says why it could not be read."""

NOT_TEXT = re.compile("[\0\udc80-\udcff]")
"""A byte that is no UTF-8, as the error handler "surrogateescape" decodes it, or a NUL."""
_IS_NOT_TEXT = "it holds bytes that are not UTF-8 text"
_PREVIEWED_OBJECTS = 1_000
_DELIMITERS = (",", ";", "\t")
_EXPECTED = "{'question': …, 'answer': …} or {'messages': […]}"


def csv_rows(text: str, name: str, columns: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows below the header of a CSV file, numbered as a spreadsheet numbers them.

    Other columns than those wanted are ignored, and so are rows in which every cell is empty.

    Args:
        text: of the file.
        name: of the file.
        columns: see `wanted_columns`.

    Raises:
        ExamplesError: The header does not name question and answer, or messages, each once.
    """
    fields = wanted_columns(columns)
    delimiter, header = _csv_header(text, name, fields)
    wanted = {field: header.index(column) for field, column in fields.items() if column in header}
    records = csv_records(text, delimiter)
    next(records)  # the header
    for number, cells in records:
        if isinstance(cells, str):
            yield number, cells
        elif any(map(NOT_TEXT.search, cells)):
            yield number, _IS_NOT_TEXT
        elif any(cell.strip() for cell in cells[len(header) :]):
            # Taking the row as it stands would silently cut an answer at its first comma.
            reason = (
                f"it has {len(cells)} cells but the header has {len(header)}; "
                "put text that contains the separator in quotation marks"
            )
            yield number, reason
        else:
            present = {field: at for field, at in wanted.items() if at < len(cells)}
            yield number, {field: unprotect_cell(cells[at]) for field, at in present.items()}


def csv_preview(text: str) -> Preview:
    """Return the columns of a CSV file and its first rows; see `csv_rows`."""
    delimiter, columns = widest_header(text)
    records = (cells for _, cells in csv_records(text, delimiter) if not isinstance(cells, str))
    first = list(islice(records, 1 + PREVIEW_ROWS))[1:]
    blank = [""] * len(columns)
    rows = [tuple(cell[:PREVIEW_CHARS] for cell in [*row, *blank][: len(columns)]) for row in first]
    return Preview(tuple(columns), tuple(rows))


def _csv_header(text: str, name: str, fields: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the delimiter under which the first row names the columns, and those names."""
    for delimiter in _DELIMITERS:
        header = [folded(cell) for cell in _first_cells(text, delimiter)]
        if names_pair(fields, header):
            twice = [column for column in fields.values() if header.count(column) > 1]
            if twice:
                raise ExamplesError(
                    f"'{name}' has more than one column named '{twice[0]}'. "
                    "Rename or remove all but one of them."
                )
            return delimiter, header
    raise unnamed(fields, widest_header(text)[1], name)


def widest_header(text: str) -> tuple[str, list[str]]:
    """Return the delimiter that parts the first row into the most cells, and these."""
    headers = {delimiter: _first_cells(text, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(headers, key=lambda one: len(headers[one]))
    return delimiter, headers[delimiter][:MOST_COLUMNS]


def _first_cells(text: str, delimiter: str) -> list[str]:
    first = next((cells for _, cells in csv_records(text, delimiter)), "")
    return [] if isinstance(first, str) else first


def csv_records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each row of cells that is not empty; a sentence where the quotation marks are off."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    number = 0
    while True:
        number += 1
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines = f"line {line}" if reader.line_num <= line else f"lines {line}–{reader.line_num}"
            yield number, f"its quotation marks do not pair up ({lines} of the file)"
            continue
        if any(cell.strip() for cell in cells):
            yield number, cells


def jsonl_rows(text: str, name: str, columns: Mapping[str, str]) -> Iterator[Row]:
    """Yield the objects of a JSONL file with their line numbers; see `csv_rows`.

    Raises:
        ExamplesError: No line holds JSON.
    """
    wanted = wanted_columns(columns) if columns else {}
    first_broken = 0
    any_json = False
    # str.splitlines would also split at U+2028, which may stand inside a JSON string.
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if not line.strip():
            continue
        if NOT_TEXT.search(line):
            yield number, _IS_NOT_TEXT
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            first_broken = first_broken or number
            yield number, "it is not JSON"
            continue
        any_json = True
        yield number, _fields(value, wanted)
    if first_broken and not any_json:
        raise ExamplesError(
            f"'{name}' holds no JSON that can be read (line {first_broken} is the first that is "
            f"broken); each line of a .jsonl file must be one object such as {_EXPECTED}. "
            "If it holds one list over several lines, name it .json."
        )


def json_rows(text: str, name: str, columns: Mapping[str, str]) -> Iterator[Row]:
    """Yield the objects of a JSON list, counted from 1; see `csv_rows`.

    Raises:
        ExamplesError: The file is not JSON, or not a list.
    """
    wanted = wanted_columns(columns) if columns else {}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ExamplesError(
            f"'{name}' is not JSON that can be read{where}; a .json file must hold one list of "
            f"objects such as {_EXPECTED}. If it has one object on each line, name it .jsonl."
        ) from error
    if not isinstance(values, list):
        raise ExamplesError(
            f"'{name}' holds {_kind(values)}, but a list of objects such as {_EXPECTED} "
            "is expected. Put the examples in a list."
        )
    for number, value in enumerate(values, start=1):
        yield number, _fields(value, wanted)


def json_preview(rows: Iterable[Row]) -> Preview:
    """Return what the objects of a file hold by name, and the first of them; see `json_rows`."""
    objects = [value for _, value in islice(rows, _PREVIEWED_OBJECTS) if isinstance(value, dict)]
    columns = list(dict.fromkeys(key for value in objects for key in value))[:MOST_COLUMNS]
    return Preview(
        tuple(columns),
        tuple(
            tuple(_shown(value.get(column)) for column in columns)
            for value in objects[:PREVIEW_ROWS]
        ),
    )


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "" if value is None else text[:PREVIEW_CHARS]


def _fields(value: object, wanted: Mapping[str, str]) -> dict[str, object] | str:
    """Return the fields of one JSON object."""
    if not isinstance(value, dict):
        return f"it is {_kind(value)}; an object such as {_EXPECTED} is expected"
    fields = {folded(key): field for key, field in value.items()}
    if wanted:
        return {field: fields[column] for field, column in wanted.items() if column in fields}
    return fields


def with_pair(fields: Mapping[str, object]) -> Mapping[str, object] | str:
    """Return the fields of a row, the question and answer of its chat among them if it has one."""
    messages = fields.get("messages", "")
    if messages == "":
        return fields
    if isinstance(messages, str):  # in a table it is a cell of JSON
        with contextlib.suppress(ValueError, RecursionError):
            messages = json.loads(messages)
    pair = _chat_pair(messages)
    return pair if isinstance(pair, str) else {**fields, **pair}


def _chat_pair(messages: object) -> dict[str, object] | str:
    """Return the question and answer of a chat of two turns; a leading system message is left out.

    The system message is not learned: every method of a comparison is given the same one.
    """
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return "'messages' is not a list of objects with 'role' and 'content'"
    turns = messages[1:] if messages and messages[0].get("role") == "system" else messages
    roles = [turn.get("role") for turn in turns]
    if roles != ["user", "assistant"]:
        listed = shorten(", ".join(str(role) for role in roles)) or "none"
        return (
            "a chat of one user message and one assistant message is expected, "
            f"but the roles are: {listed}"
        )
    return {"question": turns[0].get("content"), "answer": turns[1].get("content")}


def _kind(value: object) -> str:
    """Say in plain words what kind of JSON value this is."""
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "text", list: "a list", dict: "one object"}
    return kinds.get(type(value), "a number")


ROWS_OF: dict[str, Callable[[str, str, Mapping[str, str]], Iterator[Row]]] = {
    ".csv": csv_rows,
    ".jsonl": jsonl_rows,
    ".json": json_rows,
}
"""For each extension of a file of text, what takes text, name and columns and yields its rows."""
