"""What a document is, which files become documents, and under which name."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag_backend.parse import SUPPORTED
from workbench.errors import DocumentError

_MAX_NAME_CHARACTERS = 200
Progress = Callable[[str, float], object]
"""Called with what is being done and the share that is done, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the knowledge base."""

    name: str
    pages: int | None
    passages: int
    size_bytes: int
    sha256: str
    added_at: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file that was given."""

    document: Document
    change: Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that was found for a question."""

    document: str
    page: int | None
    text: str
    headings: tuple[str, ...]
    score: float
    """Cosine similarity to the question, from -1 to 1."""
    words: float | None = None
    """BM25 score of its words; None where the search by words did not find it."""
    fit: float | None = None
    """How well the reranker finds that it fits, higher is better; None without one."""


def files_under(path: Path) -> list[tuple[Path, str]]:
    """Return the files to add for a path, each with its document name.

    A file is itself. A folder gives every file of a supported type below it, named by its
    path inside the folder; what begins with a dot or an underscore is left out, and so are
    training examples and exams, which are no documents.

    Raises:
        DocumentError: the path doesn't exist, or the folder has nothing that can be added.
    """
    if not path.exists():
        raise DocumentError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return [(path, path.name)]
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        for name in sorted(files):
            file = Path(folder) / name
            supported = name[0] not in "._" and file.suffix.lower() in SUPPORTED
            if supported and not _asks_questions(file):
                found.append((file, file.relative_to(path).as_posix()))
    if not found:
        raise DocumentError(f"{path} holds no file of a supported type ({', '.join(SUPPORTED)}).")
    return found


def _asks_questions(file: Path) -> bool:
    """Whether a file holds training examples or an exam, which would give away the answers."""
    if file.suffix.lower() != ".jsonl":
        return False
    try:
        with file.open(encoding="utf-8-sig") as lines:
            first = json.loads(lines.readline())
    except (OSError, ValueError, RecursionError):
        return False  # adding it tells what is wrong
    keys = first.keys() if isinstance(first, dict) else set()
    return "messages" in keys or ("question" in keys and bool(keys & {"answer", "answers"}))


def part_of(progress: Progress, number: int, of: int) -> Progress:
    """Return the progress of one file as a part of the progress over several."""
    return lambda message, share: progress(message, min(1.0, (number + share) / of))


def check_name(name: str) -> str:
    """Return a document's name without control characters.

    Raises:
        DocumentError: it is empty or too long.
    """
    clean = "".join(c for c in name if c.isprintable()).strip()
    if not clean or len(clean) > _MAX_NAME_CHARACTERS:
        raise DocumentError(
            f"A file name of {len(clean)} characters was given; 1 to {_MAX_NAME_CHARACTERS} "
            "were expected. Rename the file and add it again."
        )
    return clean
