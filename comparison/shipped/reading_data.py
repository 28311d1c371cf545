"""Questions about paragraphs, as SQuAD 2.0 has them: for training a reranker and measuring it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_backend.knowledge_base import KnowledgeBase
from workbench.errors import RagtuneError

_FIELDS = {"title": str, "context": str, "question": str, "answers": list}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked about a paragraph."""

    title: str
    """Of the article that the paragraph is from."""
    paragraph: str
    question: str
    answers: tuple[str, ...]
    """As they stand in the paragraph; empty where it doesn't answer."""


def read_asked(path: Path) -> list[Asked]:
    """Read JSON lines with ``title``, ``context``, ``question`` and ``answers``.

    Raises:
        RagtuneError: names the line that is not one.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RagtuneError(f"{path} can't be read: {error.strerror}.") from error
    return [_asked(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]


def held_out(asked: list[Asked]) -> set[str]:
    """Return the titles that nothing is trained on: every third in alphabetical order."""
    return set(sorted({one.title for one in asked})[::3])


def by_paragraph(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    """Return the questions by the paragraph that they were asked about."""
    groups: dict[str, list[Asked]] = {}
    for one in asked:
        groups.setdefault(one.paragraph, []).append(one)
    return groups


def _asked(line: str, number: int, path: Path) -> Asked:
    try:
        row: Any = json.loads(line)
        if not all(isinstance(row[field], kind) for field, kind in _FIELDS.items()):
            raise TypeError
        return Asked(row["title"], row["context"], row["question"], tuple(map(str, row["answers"])))
    except (ValueError, KeyError, TypeError) as error:
        raise RagtuneError(
            f"Line {number} of {path} is not a question; an object with title, context, question "
            "(texts) and answers (a list) was expected."
        ) from error


def add_paragraphs(
    knowledge_base: KnowledgeBase, asked: list[Asked], named: bool
) -> dict[str, str]:
    """Make every paragraph a document, and return the paragraphs' documents by their text.

    Args:
        knowledge_base: to add them to.
        asked: the questions; their paragraphs are added once each.
        named: call the documents by their titles; else their names say nothing.
    """
    names: dict[str, str] = {}
    for one in asked:
        if one.paragraph not in names:
            title = f"{one.title} " if named else ""
            names[one.paragraph] = f"{title}{len(names):04}.txt"
            knowledge_base.incoming.put(names[one.paragraph], one.paragraph.encode())
    knowledge_base.work()
    return names
