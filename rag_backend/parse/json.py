"""JSON and JSON Lines: keys as headings, lists of like objects as table rows."""

import json
import re
from collections.abc import Iterator, Sequence

from rag_backend.parse.clean import lines, one_line, printable
from rag_backend.parse.decode import decode
from rag_backend.parse.limits import MAX_NESTING
from rag_backend.parse.outline import Outline
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

_LONG_CHARACTERS = 300
"""A longer value is text of its own rather than a cell of a row."""
_BLANK_LINE = re.compile(r"\n\s*\n")
_NAMES = ("title", "name", "question", "id", "key")
"""What an object is called by, if it is a member of a list."""


def parse_json(data: bytes, name: str) -> ParsedDocument:
    """Read one JSON value: its objects open headings, its lists become rows."""
    text = decode(data, name)
    try:
        value = _load(text)
    except json.JSONDecodeError as error:
        what = f"{error.msg} in line {error.lineno}, column {error.colno}"
        hint = ""
        if error.msg == "Extra data":
            hint = ", or, if every line is JSON by itself, give it the extension .jsonl"
        raise DocumentError(
            f"{name} is not valid JSON ({what}): correct it there{hint}, and add it again."
        ) from error
    outline = Outline(name)
    _Writer(outline, name).add(value, 1)
    return ParsedDocument(outline.blocks(), pages=None)


def parse_jsonl(data: bytes, name: str) -> ParsedDocument:
    """Read a file that has one JSON value in each line that is not blank."""
    values = []
    for number, line in enumerate(decode(data, name).split("\n"), start=1):
        if line.strip():
            try:
                values.append(_load(line))
            except json.JSONDecodeError as error:
                raise DocumentError(
                    f"{name} is not valid JSON Lines ({error.msg} in line {number}, column "
                    f"{error.colno}): each line must be JSON by itself; correct it there and add "
                    "it again."
                ) from error
    outline = Outline(name)
    _Writer(outline, name).add(values, 1)
    return ParsedDocument(outline.blocks(), pages=None)


def _load(text: str) -> object:
    # Numbers stay as they are written: 1.10 is a price, and long ones are identifiers.
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


class _Writer:
    """Walks a value and writes it into an outline."""

    def __init__(self, outline: Outline, name: str) -> None:
        self._outline = outline
        self._name = name

    def add(self, value: object, level: int) -> None:
        """Add a value under the headings that are open; those inside it get ``level``."""
        if level > MAX_NESTING:
            raise DocumentError(
                f"{self._name} nests more than {MAX_NESTING} objects and lists in each other, "
                "which is the limit: save it in a simpler form and add that."
            )
        if isinstance(value, dict):
            self._add_object(value, level)
        elif isinstance(value, list):
            self._add_list(value, level)
        else:
            for paragraph in _BLANK_LINE.split(_text(value)):
                self._outline.add(lines(paragraph))

    def _add_object(self, value: dict[str, object], level: int) -> None:
        # Short values first, in one block, because what opens a heading can't be followed by
        # what stands outside it.
        short = [(one_line(key), _short(item)) for key, item in value.items()]
        self._outline.add("\n".join(f"{key}: {text}" for key, text in short if text))
        for key, item in value.items():
            if _short(item) is None:
                self._outline.heading(level, key)
                self.add(item, level + 1)
                self._outline.close(level)

    def _add_list(self, values: Sequence[object], level: int) -> None:
        rows = [_row(value) for value in values]
        if None not in rows:
            for row in rows:
                self._outline.row(row or [])
            return
        items = [_short(value) for value in values]
        if None not in items:
            self._outline.add("\n".join(f"- {item}" for item in items if item))
            return
        for number, value in enumerate(values, start=1):
            if isinstance(value, dict | list):
                self._outline.heading(level, _called(value) or str(number))
                self.add(value, level + 1)
                self._outline.close(level)
            else:
                self.add(value, level)


def _short(value: object) -> str | None:
    """Return a value, or a list of values, as text if it is short; None if it isn't."""
    if isinstance(value, dict):
        return None if value else ""
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return None
        text = ", ".join(_text(item) for item in value)
    else:
        text = _text(value)
    text = text.strip()
    return one_line(text) if len(text) <= _LONG_CHARACTERS and "\n" not in text else None


def _row(value: object) -> list[tuple[str, str]] | None:
    """Return an object as (path, text) pairs if all of it is short; None if it isn't."""
    if not isinstance(value, dict):
        return None
    cells: list[tuple[str, str]] = []
    for path, item in _leaves(value):
        text = _short(item)
        if text is None:
            return None
        cells.append((one_line(".".join(path)), text))
    return cells


def _leaves(
    value: dict[str, object], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, item in value.items():
        if isinstance(item, dict) and item and len(path) < MAX_NESTING:
            yield from _leaves(item, (*path, key))
        else:
            yield (*path, key), item


def _called(value: object) -> str | None:
    if isinstance(value, dict):
        for key in _NAMES:
            text = _short(value.get(key, ""))
            if text:
                return text
    return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(str(value))
