"""What a document is, which files become documents, and under which name."""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag_backend.parse import SUPPORTED
from rag_backend.parse.archive import ARCHIVES, is_hidden
from rag_backend.parse.limits import MAX_FILE_BYTES
from workbench.errors import DocumentError

_MAX_NAME_CHARACTERS = 200
_NAMED = 5
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
    if path.exists() and not path.is_file():
        # Reading a pipe waits for whoever writes to it, perhaps for ever.
        raise DocumentError(f"{path} is no file but a folder, a pipe or a device; name a file.")
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"{path} can't be read: {error.strerror}.") from error


def files_under(path: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """Return the files to add for a path, each with its document name, and what is left out.

    A file is itself. A folder gives every file of a supported type below it, named by its
    path inside the folder. Left out, each with why, are other types, folders whose names begin
    with an underscore, and training examples and exams, which are no documents. What is hidden
    is passed over.

    Raises:
        DocumentError: the path doesn't exist.
    """
    if not path.exists():
        raise DocumentError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return [(path, path.name)], []
    found, left_out = [], []
    for folder, folders, files in os.walk(path):
        inside = Path(folder).relative_to(path)
        shown = sorted(name for name in folders if not is_hidden(name))
        folders[:] = [name for name in shown if name[0] != "_"]
        kept_apart = (inside / name for name in shown if name[0] == "_")
        left_out += [f"{one.as_posix()}/ (begins with _)" for one in kept_apart]
        for name in sorted(name for name in files if not is_hidden(name)):
            file, shown_name = Path(folder) / name, (inside / name).as_posix()
            if file.suffix.lower() not in READABLE:
                left_out.append(f"{shown_name} (type not supported)")
            elif _asks_questions(file):
                left_out.append(f"{shown_name} (examples or an exam)")
            else:
                found.append((file, shown_name))
    return found, left_out


def named_apart(files: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Name different files of one name by as much of their paths as tells them apart."""
    there = {path.parent.resolve() / path.name: (path, name) for path, name in files}
    of_name = defaultdict(list)
    for whole, (_, name) in there.items():
        of_name[name].append(whole)
    for name, several in of_name.items():
        if len(several) > 1:
            parts = name.count("/") + 2
            while len({whole.parts[-parts:] for whole in several}) < len(several):
                parts += 1
            for whole in several:
                longer = "/".join(whole.parts[-parts:]).lstrip("/")
                there[whole] = there[whole][0], longer
    return list(there.values())


def few(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: some, then how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def left_out_sentence(left_out: Sequence[str]) -> str:
    """Say what was left out; empty where nothing was."""
    return f"{len(left_out):,} left out: {few(left_out)}." if left_out else ""


def _asks_questions(file: Path) -> bool:
    """Whether a file holds training examples or an exam, which would give away the answers."""
    if file.suffix.lower() != ".jsonl" or not file.is_file():
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
    clean = printable(name)
    if not clean or len(clean) > _MAX_NAME_CHARACTERS:
        raise DocumentError(
            f"A file name of {len(clean)} characters was given; 1 to {_MAX_NAME_CHARACTERS} "
            "were expected. Rename the file and add it again."
        )
    return clean


def printable(name: str) -> str:
    """Return a name as its document is called."""
    return "".join(c for c in name if c.isprintable()).strip()
