"""What a document is, which files become documents, and under which name."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag_backend.parse import SUPPORTED
from rag_backend.parse.archive import ARCHIVES
from rag_backend.parse.limits import MAX_FILE_BYTES
from workbench.errors import DocumentError

_MAX_NAME_CHARACTERS = 200
READABLE = (*SUPPORTED, *ARCHIVES)
"""The types of file that can be added, as extensions."""
Progress = Callable[[str, float], object]
"""Called with what is being done and the share that is done, from 0 to 1; may raise to stop it."""


def unheard(message: str, share: float) -> None:
    """Be the progress that nobody follows."""


Change = Literal["added", "updated", "unchanged", "unpacked"]
"""What became of a file; an archive is unpacked into documents."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the knowledge base."""

    name: str
    pages: int | None
    passages: int
    size_bytes: int
    sha256: str
    passage_tokens: int
    """What it was split into at most; see `workbench.settings.Settings`."""
    overlap_tokens: int
    added_at: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file that was given."""

    document: Document
    change: Change


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where each step of a search put a passage, from 1; None where it did not find it."""

    dense: int | None = None
    words: int | None = None
    fused: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that was found for a question."""

    id: int
    """The passage's; never another one's."""
    document: str
    page: int | None
    text: str
    headings: tuple[str, ...]
    start: int
    """Where it begins in the document's text, in characters."""
    end: int
    score: float
    """Cosine similarity to the question, from -1 to 1."""
    words: float | None = None
    """BM25 score of its words; None where the search by words did not find it."""
    fit: float | None = None
    """How well the reranker finds that it fits, higher is better; None without one."""
    ranks: Ranks = Ranks()


def read_file(path: Path) -> bytes:
    """Return a file's content, and one byte more than a document may have where it is larger.

    Raises:
        DocumentError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"{path} can't be read: {error.strerror}.") from error


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
            supported = name[0] not in "._" and file.suffix.lower() in READABLE
            if supported and not _asks_questions(file):
                found.append((file, file.relative_to(path).as_posix()))
    if not found:
        raise DocumentError(f"{path} holds no file of a supported type ({', '.join(READABLE)}).")
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
