"""Watched folders: what changes in them changes in the knowledge base."""

import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from rag_backend.documents import files_under, read_file
from rag_backend.knowledge_base import KnowledgeBase
from workbench.errors import DocumentError, RagtuneError
from workbench.storage import WatchedFileRow, WatchedFolderRow

_SETTLED_SECONDS = 1.0
"""A file that has just changed may still be being written."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a look into a folder found."""

    changed: tuple[str, ...] = ()
    """Documents that were put into the line, new ones included."""
    removed: tuple[str, ...] = ()
    trouble: str = ""
    """Why the folder could not be looked into; then nothing is removed."""


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
    """Watch a folder no longer; its documents stay."""
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

    A folder that can't be found, such as a disk that is not connected, changes nothing.
    """
    try:
        found = files_under(folder) if folder.is_dir() else None
    except DocumentError:
        found = []  # its files are gone
    if found is None:
        scanned = Scanned(trouble=f"{folder} can't be found. Its documents are kept.")
    else:
        scanned = _compare(knowledge_base, folder, found)
    with knowledge_base.database.session() as session:
        row = session.get(WatchedFolderRow, str(folder))
        if row is not None and row.trouble != scanned.trouble:
            row.trouble = scanned.trouble
    return scanned


def _compare(knowledge_base: KnowledgeBase, folder: Path, found: list[tuple[Path, str]]) -> Scanned:
    with knowledge_base.database.session() as session:
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
            knowledge_base.incoming.put(name, read_file(path))
        except (OSError, RagtuneError) as error:
            troubles.append(str(error))
            continue
        changed.append(name)
        with knowledge_base.database.session() as session:
            session.merge(
                WatchedFileRow(
                    folder=str(folder),
                    name=name,
                    modified_ns=now.st_mtime_ns,
                    size_bytes=now.st_size,
                )
            )
    gone = sorted(set(known) - {name for _, name in found})
    if len(gone) > 1 and not found:
        # An empty folder is what is left where a disk was taken away, too.
        return Scanned(
            trouble=f"{folder} is empty. Its {len(gone)} documents are kept; if you deleted their "
            "files, remove them on page Documents or with `ragtune remove`."
        )
    if gone:
        line = knowledge_base.incoming
        line.cancel([file.id for file in line.files() if file.name in gone])
    there = [name for name in gone if knowledge_base.find(name) is not None]
    if there:
        knowledge_base.remove(*there)
    if gone:
        with knowledge_base.database.session() as session:
            session.execute(
                sa.delete(WatchedFileRow).where(
                    WatchedFileRow.folder == str(folder), WatchedFileRow.name.in_(gone)
                )
            )
    return Scanned(tuple(changed), tuple(there), " ".join(troubles))
