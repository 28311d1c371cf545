"""An exam that a person gives as a file: what can be asked of it, and what can't, and why."""

import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any

from comparison.exams.exam import EXPECTED, MAX_QUESTIONS, ExamQuestion, exam_question
from comparison.exams.read_csv import MARK, Columns, csv_rows, names_fields
from finetune_backend.examples.columns import Preview
from finetune_backend.examples.read import Rejected, check_size, decode
from finetune_backend.examples.rows import csv_preview
from finetune_backend.examples.same_question import joined
from finetune_backend.examples.wording import clean, fold
from workbench.errors import ExamplesError, RagtuneError
from workbench.language_models.prompts import MAX_QUESTION_CHARACTERS

KINDS = (".jsonl", ".csv")
_CELLS = "expected a question, and answers or “yes” under unanswerable"


@dataclass(frozen=True, slots=True)
class Received:
    """What a file gave."""

    questions: tuple[ExamQuestion, ...]
    """Each once."""
    rejected: tuple[Rejected, ...]
    """Rows that can't be asked."""
    joined: tuple[Rejected, ...]
    """Rows that ask what one before them asks: their answers were added to that one's."""

    def told(self) -> list[str]:
        """Say what became of rows that are not asked as they stand there."""
        return [
            f"row {row.row} {what}: {row.reason}"
            for what, rows in (("left out", self.rejected), ("joined", self.joined))
            for row in rows
        ]


def receive(data: bytes, name: str, columns: Columns | None = None, mark: str = MARK) -> Received:
    """Read an exam from the bytes of a CSV or JSONL file; the extension of its name decides how.

    Args:
        data: the file.
        name: of the file.
        columns: of a CSV file; see `comparison.exams.read_csv.csv_rows`.
        mark: likewise.

    Raises:
        RagtuneError: the file is none of these, lacks a column, is too large, or has no row that
            can be asked.
    """
    given = tuple((field, tuple(names)) for field, names in (columns or {}).items())
    return _receive(data, name, given, mark)


# Of 100,000 rows it takes seconds, and a page asks with every click.
@functools.lru_cache(maxsize=2)
def _receive(
    data: bytes, name: str, columns: tuple[tuple[str, tuple[str, ...]], ...], mark: str
) -> Received:
    kind, text = _kind(data, name), decode(data, name)
    rows = csv_rows(text, name, dict(columns), mark) if kind == ".csv" else _jsonl_rows(text)
    listed = list(islice(rows, MAX_QUESTIONS + 1))
    if len(listed) > MAX_QUESTIONS:
        raise ExamplesError(
            f"'{name}' has more than {MAX_QUESTIONS:,} rows, which is the limit. Split it into "
            "parts; a few hundred questions give a narrow interval already."
        )
    received = _received(listed, _CELLS if kind == ".csv" else EXPECTED)
    if not received.questions:
        if not received.rejected:
            raise ExamplesError(f"'{name}' has no rows. Add at least one question.")
        first = received.rejected[0]
        none = f"None of the {len(listed):,} rows of '{name}' can"
        which = none if len(listed) > 1 else f"The only row of '{name}' can't"
        raise ExamplesError(
            f"{which} be asked. Row {first.row}: {first.reason}. Each row needs a "
            "question, and answers unless it is unanswerable."
        )
    return received


def nearly_alike(questions: Sequence[ExamQuestion]) -> list[tuple[str, str]]:
    """Return questions that ask nearly what another asks, which is beside them."""
    texts = [one.question for one in questions]
    return [
        (texts[place], texts[other]) for place, other in enumerate(joined(texts)) if place != other
    ]


def unnamed(data: bytes, name: str) -> Preview | None:
    """Return the columns of a CSV file and its first rows, where a person has to say which are
    which; None where their names do.

    Raises:
        ExamplesError: the file can't be read, or is too large.
    """
    if _kind(data, name) != ".csv":
        return None
    shown = csv_preview(decode(data, name))
    return None if names_fields(shown.columns) else shown


def _kind(data: bytes, name: str) -> str:
    kind = PurePath(name).suffix.lower()
    if kind not in KINDS:
        raise ExamplesError(
            f"'{name}' is not an exam that can be read; {' and '.join(KINDS)} are supported. "
            "Save it as one of these."
        )
    check_size(len(data), name)
    return kind


def _jsonl_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    # str.splitlines would also split at U+2028, which may stand inside a JSON string.
    for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, "it is not JSON"


def _received(rows: list[tuple[int, Any]], expected: str) -> Received:
    asked: dict[str, tuple[int, ExamQuestion]] = {}
    rejected, added = list[Rejected](), list[Rejected]()
    for number, row in rows:
        made = row if isinstance(row, str) else _question(row, expected)
        if isinstance(made, str):
            rejected.append(Rejected(number, made))
            continue
        first, before = asked.setdefault(fold(made.question), (number, made))
        if first == number:
            continue
        both = _both(before, made)
        if both is None:
            rejected.append(Rejected(number, f"it asks what row {first} asks, but not alike"))
        else:
            asked[fold(made.question)] = first, both
            more = len(both.answers) - len(before.answers)
            said = "the same answers" if not more else f"{more} more of its answers"
            added.append(Rejected(number, f"it asks what row {first} asks, with {said}"))
    return Received(tuple(one for _, one in asked.values()), tuple(rejected), tuple(added))


def _question(row: Any, expected: str) -> ExamQuestion | str:
    """Return the question of a row, or the reason why it can't be asked."""
    try:
        made = exam_question(_with_list(_cleaned(row)), "it", expected)
    except RagtuneError as error:
        return str(error).removesuffix(".")
    if len(made.question) > MAX_QUESTION_CHARACTERS:
        return (
            f"the question has {len(made.question):,} characters, and "
            f"{MAX_QUESTION_CHARACTERS:,} are the limit"
        )
    return dataclasses.replace(made, answers=tuple(dict.fromkeys(made.answers)))


def _with_list(row: Any) -> Any:
    """Return a row with its answers as a list, where it has a single one, or calls it "answer"."""
    if not isinstance(row, dict):
        return row
    if "answer" in row and "answers" not in row:
        row = {**row, "answers": row["answer"]}
        del row["answer"]
    answers = row.get("answers", [])
    return {**row, "answers": [answers] if isinstance(answers, str) else answers}


def _cleaned(value: Any) -> Any:
    """Return a JSON value, its texts without control characters and halves of characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return {key: _cleaned(one) for key, one in value.items()} if isinstance(value, dict) else value


def _both(one: ExamQuestion, other: ExamQuestion) -> ExamQuestion | None:
    """Return a question with the answers of both; None where only one has any, or form differs."""
    alike = (one.unanswerable, one.options, one.form) == (
        other.unanswerable,
        other.options,
        other.form,
    )
    answers = tuple(dict.fromkeys(one.answers + other.answers))
    return dataclasses.replace(one, answers=answers) if alike else None
