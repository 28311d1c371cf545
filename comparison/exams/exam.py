"""Exams: sets of questions with known answers, as JSONL."""

import dataclasses
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.form import Form, read_form
from finetune_backend.examples.read import decode
from workbench.errors import RagtuneError

_KEYS = {"question", "answers", "document", "unanswerable", "fact", "options", "form", "pool"}
MAX_QUESTIONS = 100_000
TRAINED, UNTRAINED, UNANSWERABLE = POOLS = ("trained", "untrained", "unanswerable")
"""What a question asks for: a fact that was trained on, in other words; one that the documents
say and that was not trained on; something that the documents don't say."""
EXPECTED = 'expected {"question": "…", "answers": ["…"]}'


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
    pool: str | None = None
    """One of `POOLS`, where that is known."""


def read_exam(path: Path) -> list[ExamQuestion]:
    """Read an exam from JSONL, as `to_jsonl` writes it; a person's file is `receive`'s.

    Each line is ``{"question": "...", "answers": ["..."]}`` with optional ``document``,
    ``unanswerable``, ``fact`` and ``pool`` (one of `POOLS`); with ``options``, labels to choose
    from; and with ``form``, what the answer is to look like, which may stand without answers.

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
        raise RagtuneError(f"The exam {path} can't be read: {error.strerror}.") from error


def exam_from(data: bytes, name: str) -> list[ExamQuestion]:
    """Read an exam from the bytes of a JSONL file; see `read_exam`."""
    # str.splitlines would also split at U+2028, which may stand inside a JSON string.
    lines = re.split("\r\n|\r|\n", decode(data, name))
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


def to_jsonl(questions: Iterable[ExamQuestion]) -> str:
    """Write an exam as `read_exam` reads it; what a question lacks is left out."""
    lines = []
    for one in questions:
        row: dict[str, Any] = {"question": one.question, "answers": list(one.answers)}
        row |= {key: value for key in ("document", "fact", "pool") if (value := getattr(one, key))}
        if one.unanswerable:
            row["unanswerable"] = True
        if one.options:
            row["options"] = list(one.options)
        if one.form:
            row["form"] = {k: v for k, v in dataclasses.asdict(one.form).items() if v}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def exam_question(row: Any, place: str, expected: str = EXPECTED) -> ExamQuestion:
    """Return the question that a JSON value of an exam holds.

    Args:
        row: an object; see `read_exam`.
        place: names it in an error.
        expected: what a row is to be, in a person's file.

    Raises:
        RagtuneError: it holds none, with what was expected.
    """
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
            f"{place} needs either answers or to be unanswerable, and not both; {expected}."
        )
    options = row.get("options", [])
    if not isinstance(options, list) or not all(isinstance(o, str) and o.strip() for o in options):
        raise RagtuneError(f"{place} has options that are not a list of texts; {expected}.")
    if options and not set(answers) & set(options):
        raise RagtuneError(f"{place} has an answer that is none of its options; {expected}.")
    for key in ("document", "fact"):
        if not isinstance(row.get(key), str | None):
            raise RagtuneError(f"{place} has a {key} that is not a text; {expected}.")
    pool = row.get("pool")
    if pool is not None and (pool not in POOLS or (pool == UNANSWERABLE) != unanswerable):
        wanted = UNANSWERABLE if unanswerable else f"{TRAINED} or {UNTRAINED}"
        raise RagtuneError(f"{place} has the pool {pool!r}; {wanted} was expected, or none.")
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
        pool,
    )


def _question(line: str, place: str) -> ExamQuestion:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "it is too large"
        raise RagtuneError(f"{place} is not JSON: {why}; {EXPECTED}.") from error
    return exam_question(row, place)
