"""Watched folders: what changes in them changes in the knowledge base."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rag_backend.documents import files_under, left_out_sentence, printable, read_file
from rag_backend.knowledge_base import KnowledgeBase
from rag_backend.parse.archive import is_archive
from workbench.errors import DocumentError, RagtuneError
from workbench.storage import DocumentRow, WatchedFileRow, WatchedFolderRow

_SETTLED_SECONDS = 1.0
"""A file that has just changed may still be being written."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a look into a folder found."""

    changed: tuple[str, ...] = ()
    """Documents that were put into the line, new ones included."""
    removed: tuple[str, ...] = ()
    trouble: str = ""
    """What could not be looked into or used, or was left out, and why."""


def watch(knowledge_base: KnowledgeBase, folder: Path) -> Path:
    """Watch a folder from now on, and return it as it is known.

    Raises:
        DocumentError: it is not a folder.
    """
    path = folder.expanduser().resolve()
    if not path.is_dir():
        raise DocumentError(f"{folder} is not a folder; name the folder to watch.")
    with knowledge_base.database.session() as session:
        session.merge(WatchedFolderRow(path=str(path), trouble=""))
    return path


def unwatch(knowledge_base: KnowledgeBase, folder: Path) -> None:
    """Watch a folder no longer; its documents stay, and know that they came from it."""
    with knowledge_base.database.session() as session:
        where = WatchedFolderRow.path == str(folder)
        session.execute(sa.delete(WatchedFolderRow).where(where))


def watched(knowledge_base: KnowledgeBase) -> list[Path]:
    """Return the watched folders."""
    with knowledge_base.database.session() as session:
        paths = session.scalars(sa.select(WatchedFolderRow.path).order_by(WatchedFolderRow.path))
        return [Path(path) for path in paths]


def trouble(knowledge_base: KnowledgeBase, folder: Path) -> str:
    """Say why a watched folder could not be looked into the last time; empty where it could."""
    with knowledge_base.database.session() as session:
        row = session.get(WatchedFolderRow, str(folder))
        return row.trouble if row else ""


def scan(knowledge_base: KnowledgeBase, folder: Path) -> Scanned:
    """Put what is new or changed into the line, and remove the documents of files that are gone.

    Only what this folder brought is replaced or removed. A folder that can't be found, such as a
    disk that is not connected, changes nothing.
    """
    scanned = Scanned(trouble=f"{folder} can't be found. Its documents are kept.")
    if folder.is_dir():
        with contextlib.suppress(DocumentError):  # it is gone by now
            found, left_out = files_under(folder)
            scanned = _compare(knowledge_base, folder, found, left_out_sentence(left_out))
    with knowledge_base.database.session() as session:
        row = session.get(WatchedFolderRow, str(folder))
        if row is not None and row.trouble != scanned.trouble:
            row.trouble = scanned.trouble
    return scanned


def _compare(
    knowledge_base: KnowledgeBase, folder: Path, found: list[tuple[Path, str]], left_out: str
) -> Scanned:
    with knowledge_base.database.session() as session:
        brought = sa.select(DocumentRow.name).where(DocumentRow.folder == str(folder))
        documents = session.scalars(brought.order_by(DocumentRow.name)).all()
        rows = session.scalars(
            sa.select(WatchedFileRow).where(WatchedFileRow.folder == str(folder))
        )
        known = {row.name: (row.modified_ns, row.size_bytes) for row in rows}
    changed, troubles = [], []
    for path, name in found:
        try:
            now = path.stat()
            if known.get(name) == (now.st_mtime_ns, now.st_size):
                continue
            if time.time() - now.st_mtime < _SETTLED_SECONDS:
                continue
            knowledge_base.incoming.put(name, read_file(path), str(folder))
        except (OSError, RagtuneError) as error:
            troubles.append(str(error))
            continue
        changed.append(name)
        with knowledge_base.database.session() as session:
            if name in known:
                _look_again(session, [name], but=folder)
            session.merge(
                WatchedFileRow(
                    folder=str(folder),
                    name=name,
                    modified_ns=now.st_mtime_ns,
                    size_bytes=now.st_size,
                )
            )
    there = {printable(name) for _, name in found}
    gone = [name for name in documents if there.isdisjoint(_within(name))]
    files = {_file(name) for name in gone} | set(known) - {name for _, name in found}
    if len(files) > 1 and not found:
        # An empty folder is what is left where a disk was taken away, too.
        return Scanned(
            trouble=f"{folder} is empty. Its {len(files)} documents are kept; if you deleted their "
            "files, remove them on page Documents or with `ragtune remove`."
        )
    line = knowledge_base.incoming
    coming = [file for file in line.files() if file.folder == str(folder)] if files else []
    line.cancel([file.id for file in coming if there.isdisjoint(_within(file.name))])
    if gone:
        knowledge_base.remove(*gone)
    if files:
        with knowledge_base.database.session() as session:
            _look_again(session, sorted(files))
    troubles += [left_out] if left_out else []
    return Scanned(tuple(changed), tuple(gone), " ".join(troubles))


def _look_again(session: Session, names: list[str], but: Path | None = None) -> None:
    """Let files of these names be read anew: another folder may have one, too."""
    forgotten = sa.delete(WatchedFileRow).where(WatchedFileRow.name.in_(names))
    if but is not None:
        forgotten = forgotten.where(WatchedFileRow.folder != str(but))
    session.execute(forgotten)


def _within(name: str) -> tuple[str, ...]:
    """Return a document's name, and those of all that it may be packed in."""
    return name, *map(str, PurePosixPath(name).parents)


def _file(name: str) -> str:
    """Return the name of the file that a document is, or is packed in."""
    return next(filter(is_archive, reversed(_within(name))), name)
