"""Training examples read from a person's CSV, JSONL, JSON or Parquet file."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath

from finetune_backend.examples.columns import Preview, check_columns
from finetune_backend.examples.parquet import parquet_preview, parquet_rows
from finetune_backend.examples.rows import (
    NOT_TEXT,
    ROWS_OF,
    Row,
    csv_preview,
    json_preview,
    with_pair,
)
from finetune_backend.examples.wording import (
    MAX_ANSWER_CHARS,
    MAX_QUESTION_CHARS,
    clean,
    fold,
    short_hash,
)
from workbench.errors import ExamplesError
from workbench.values import APPROVED, STATUSES, Example

MAX_FILE_MB = 20
MAX_ROWS = 50_000
PARQUET = ".parquet"
KINDS = (*ROWS_OF, PARQUET)
"""The extensions of the files that can be read."""

_FROM = 1e15
"""Numbers from here on are written with an exponent."""
_LENIENT = (".csv", ".jsonl")
"""Files of lines, of which some may be broken."""
_LIMITS = {"question": MAX_QUESTION_CHARS, "answer": MAX_ANSWER_CHARS}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row of the file that did not become an example."""

    row: int
    """As a person finds it: the row in a spreadsheet, the line of a JSONL file, the place in a
    JSON list; each counted from 1."""
    reason: str


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a file of examples gave."""

    examples: tuple[Example, ...]
    rejected: tuple[Rejected, ...]


def read_examples(data: bytes, name: str, columns: Mapping[str, str] | None = None) -> ReadResult:
    """Read training examples from the bytes of a file; the extension of its name decides how.

    CSV and Parquet have the columns ``question`` and ``answer`` and may have ``fact`` and
    ``document``. JSONL, and JSON with one list, hold objects with the same names, or chats:
    ``{"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}``. Numbers
    are taken as their text.

    Where no fact is given, it is derived: the first 12 hexadecimal digits of the SHA-256 of the
    answer with case and spacing ignored, so that rows with the same answer teach one fact.

    A row that cannot be used is rejected with a reason and the rest is kept.

    Args:
        data: the file.
        name: of the file.
        columns: those of the fields whose columns have other names, such as
            ``{"question": "Frage"}``; see `wanted_columns`.

    Raises:
        ExamplesError: The file is not one of these, is too large, lacks a column, or has no row
            that can be used.
    """
    if columns:
        check_columns(columns, preview(data, name).columns, name)
    rows = list(islice(_rows(data, name, columns or {}), MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        raise ExamplesError(
            f"'{name}' has more than {MAX_ROWS:,} rows, which is the limit. Split it into parts."
        )
    if not rows:
        raise ExamplesError(
            f"'{name}' has no rows. Add at least one with a question and an answer."
        )
    read = from_rows(rows)
    if not read.examples:
        none = f"None of the {len(rows):,} rows of '{name}' can"
        which = none if len(rows) > 1 else f"The only row of '{name}' can't"
        first = read.rejected[0]
        raise ExamplesError(
            f"{which} be used. Row {first.row}: {first.reason}. "
            "Each row needs a question and an answer."
        )
    return read


def check_size(size_bytes: int, name: str) -> None:
    """Make sure that a file is not too large, if need be before it is read.

    Raises:
        ExamplesError: it is.
    """
    if size_bytes > MAX_FILE_MB * 1_000_000:
        raise ExamplesError(
            f"'{name}' is {size_bytes / 1_000_000:,.1f} MB, and {MAX_FILE_MB} MB is the limit. "
            "Split it into parts."
        )


def from_rows(rows: Iterable[tuple[int, Mapping[str, object] | str]]) -> ReadResult:
    """Make examples from numbered rows: fields by name, or the reason why there are none.

    Fields are ``question`` and ``answer``, or ``messages``, and optionally ``fact``,
    ``document``, ``passage`` and ``status``.
    """
    examples: list[Example] = []
    rejected: list[Rejected] = []
    seen: dict[tuple[str, str], int] = {}
    for number, fields in rows:
        fields = fields if isinstance(fields, str) else with_pair(fields)
        made = fields if isinstance(fields, str) else _example(fields)
        if isinstance(made, Example):
            first = seen.setdefault((fold(made.question), fold(made.answer)), number)
            if first == number:
                examples.append(made)
                continue
            made = f"same as row {first}"
        rejected.append(Rejected(number, made))
    return ReadResult(tuple(examples), tuple(rejected))


def preview(data: bytes, name: str) -> Preview:
    """Return the columns of a file and its first rows, for a person to say which are which.

    Raises:
        ExamplesError: The file can't be read, or is too large.
    """
    kind = _kind(data, name)
    if kind == PARQUET:
        return parquet_preview(data, name)
    text = NOT_TEXT.sub("\ufffd", _text_of_lines(data, name, kind))
    if kind == ".csv":
        return csv_preview(text)
    return json_preview(ROWS_OF[kind](text, name, {}))


def _rows(data: bytes, name: str, columns: Mapping[str, str]) -> Iterator[Row]:
    kind = _kind(data, name)
    if kind == PARQUET:
        return parquet_rows(data, name, columns, MAX_ROWS)
    return ROWS_OF[kind](_text_of_lines(data, name, kind), name, columns)


def _kind(data: bytes, name: str) -> str:
    """Return the extension of a file that can be read and is not too large."""
    kind = PurePath(name).suffix.lower()
    if kind not in KINDS:
        raise ExamplesError(
            f"'{name}' is not a file of examples that can be read; "
            f"{', '.join(KINDS)} are supported. Save it as one of these."
        )
    check_size(len(data), name)
    return kind


def _text_of_lines(data: bytes, name: str, kind: str) -> str:
    """Return the text of a file, in which a few lines below the first may match `NOT_TEXT`."""
    text = data.decode("utf-8-sig", "surrogateescape")
    broken = [bool(NOT_TEXT.search(line)) for line in text.split("\n")]
    if kind not in _LENIENT or broken[0] or sum(broken) > len(broken) / 2:
        return decode(data, name)
    return text if any(broken) else decode(data, name)


def decode(data: bytes, name: str) -> str:
    """Return the text of the file, or say why it is none of ours."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ExamplesError(
            f"'{name}' is not UTF-8 text. Save it again as UTF-8 "
            "(in a spreadsheet: 'CSV UTF-8'); a workbook or a zip cannot be read."
        )
    if not text.strip():
        raise ExamplesError(
            f"'{name}' is empty. Give a file with at least one question and its answer."
        )
    return text


def _example(fields: Mapping[str, object]) -> Example | str:
    """Return the example in these fields, or the reason why there is none."""
    texts: dict[str, str] = {}
    for field in ("question", "answer", "fact", "document", "passage"):
        value = _as_text(fields.get(field))
        if value is None:
            return f"the {field} is not text"
        texts[field] = clean(value)
    for field, limit in _LIMITS.items():
        # Characters that show nothing, such as a zero-width space, make no question.
        if not any(char.isprintable() and not char.isspace() for char in texts[field]):
            return f"the {field} is empty"
        if len(texts[field]) > limit:
            return f"the {field} has {len(texts[field]):,} characters, and {limit:,} are the limit"
    return Example(
        question=texts["question"],
        answer=texts["answer"],
        fact=texts["fact"] or short_hash(texts["answer"]),
        document=texts["document"] or None,
        passage=texts["passage"],
        # Somebody else's file may have a column of this name that means something else.
        status=str(status) if (status := fields.get("status")) in STATUSES else APPROVED,
    )


def _as_text(value: object) -> str | None:
    """Return what a field says: labels and years are often numbers. None where it is no text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    # A column of whole numbers with a gap comes as one of floats.
    if isinstance(value, float) and value.is_integer() and abs(value) < _FROM:
        return str(int(value))
    if isinstance(value, int | float) and math.isfinite(value):
        return str(value)
    return value if isinstance(value, str) else None
