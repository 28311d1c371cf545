"""Exams: sets of questions with known answers."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.form import Form, read_form
from workbench.errors import RagtuneError

_KEYS = {"question", "answers", "document", "unanswerable", "fact", "options", "form"}
MAX_QUESTIONS = 100_000


@dataclass(frozen=True, slots=True)
class ExamQuestion:
    """One question of an exam."""

    question: str
    answers: tuple[str, ...]
    """Accepted answers, any of them; empty for an unanswerable question."""
    document: str | None = None
    """The document that holds the answer, where that is known."""
    unanswerable: bool = False
    fact: str | None = None
    """The fact it asks for, where training examples name their facts too."""
    options: tuple[str, ...] = ()
    """The labels to choose from, where it is to be classified; the answer is one of them."""
    form: Form | None = None
    """The form that the answer is to have; None where any will do."""


def read_exam(path: Path) -> list[ExamQuestion]:
    """Read an exam from JSONL.

    Each line is ``{"question": "...", "answers": ["..."]}`` with optional ``document``,
    ``unanswerable`` and ``fact``; with ``options``, labels to choose from; and with ``form``, what
    the answer is to look like, which may stand without answers.

    Raises:
        RagtuneError: names the line and what was expected.
    """
    return exam_from(exam_bytes(path), path.name)


def exam_bytes(path: Path) -> bytes:
    """Return an exam's file as it is.

    Raises:
        RagtuneError: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RagtuneError(f"The exam {path} can't be read: {error}.") from error


def exam_from(data: bytes, name: str) -> list[ExamQuestion]:
    """Read an exam from the bytes of a JSONL file; see `read_exam`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RagtuneError(f"The exam {name} can't be read: {error}.") from error
    # str.splitlines would also split at U+2028, which may stand inside a JSON string.
    lines = re.split("\r\n|\r|\n", text)
    questions = [
        _question(line, f"Line {number} of {name}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not questions:
        raise RagtuneError(f"{name} is empty; one JSON object a line was expected.")
    if len(questions) > MAX_QUESTIONS:
        raise RagtuneError(
            f"{name} has {len(questions):,} questions; at most {MAX_QUESTIONS:,} are asked."
        )
    return questions


def _question(line: str, place: str) -> ExamQuestion:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "it is too large"
        raise RagtuneError(f"{place} is not JSON: {why}.") from error
    expected = 'expected {"question": "…", "answers": ["…"]}'
    if not isinstance(row, dict) or not isinstance(row.get("question"), str):
        raise RagtuneError(f"{place} has no question; {expected}.")
    if set(row) - _KEYS:
        raise RagtuneError(f"{place} has unknown keys {sorted(set(row) - _KEYS)}; {expected}.")
    answers, unanswerable = row.get("answers", []), row.get("unanswerable", False)
    if not isinstance(answers, list) or not all(isinstance(a, str) and a.strip() for a in answers):
        raise RagtuneError(f"{place} has answers that are not a list of texts; {expected}.")
    form = read_form(row.get("form"), place)
    if not isinstance(unanswerable, bool) or bool(answers or form) == unanswerable:
        raise RagtuneError(
            f'{place} needs either answers or "unanswerable": true, and not both; {expected}.'
        )
    options = row.get("options", [])
    if not isinstance(options, list) or not all(isinstance(o, str) and o.strip() for o in options):
        raise RagtuneError(f"{place} has options that are not a list of texts; {expected}.")
    if options and not set(answers) & set(options):
        raise RagtuneError(f"{place} has an answer that is none of its options; {expected}.")
    for key in ("document", "fact"):
        if not isinstance(row.get(key), str | None):
            raise RagtuneError(f"{place} has a {key} that is not a text; {expected}.")
    question = row["question"].strip()
    if not question:
        raise RagtuneError(f"{place} has an empty question; {expected}.")
    return ExamQuestion(
        question,
        tuple(answers),
        row.get("document"),
        unanswerable,
        row.get("fact"),
        tuple(options),
        form,
    )
