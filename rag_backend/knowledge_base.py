"""The knowledge base: documents added, removed and listed.

The database is the truth, with the uploads beside it. A file is safe once it is in the line (see
`rag_backend.ingest.incoming`); one commit then makes it a document with its passages, their
words and their vectors. A kill at any moment leaves the old document or the new one.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rag_backend.documents import Added, Document, Progress, check_name, read_file, unheard
from rag_backend.index.passage_index import PassageIndex, as_passage
from rag_backend.ingest.incoming import Incoming, IncomingFile
from rag_backend.ingest.indexing import Stopped, index_files
from rag_backend.parse import parse
from rag_backend.parse.archive import is_archive
from rag_backend.passages import document_text, split
from rag_backend.search.lexical import forget_words
from rag_backend.verify.calibration import Calibration, read_calibration, write_calibration
from rag_backend.verify.verifier import digest, shipped_calibration
from workbench.errors import DocumentError, RagtuneError
from workbench.home import Home
from workbench.storage import Database, DocumentRow, PassageRow
from workbench.values import Block, Passage

_BATCH_FILES = 64
_BATCH_BYTES = 4_000_000
"""Files are indexed together up to these sizes: small ones would waste the embedding model."""
_MOST_TRIES = 3
_BUSY = "Documents are being added elsewhere; try again when that is done."
_BUSY_SECONDS = 3600
_PASSAGES = (
    sa.select(sa.func.count()).where(PassageRow.document_id == DocumentRow.id).scalar_subquery()
)


class KnowledgeBase:
    """Documents, their passages and the index over them, in one home folder."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self.database = database
        self.index = PassageIndex(home, database)
        self.incoming = Incoming(home, database)

    def add(self, path: Path, name: str | None = None, progress: Progress = unheard) -> Added:
        """Add a file, or replace the document of that name; an unchanged one is left alone.

        Args:
            path: the file.
            name: the document's name; the file's own by default.
            progress: see `Progress`.

        Raises:
            DocumentError: the file can't be used; says why and what to do.
        """
        return self.add_bytes(read_file(path), name or path.name, progress)

    def add_bytes(self, data: bytes, name: str, progress: Progress = unheard) -> Added:
        """Add a document's content under a name; see `add`."""
        if is_archive(name):
            raise DocumentError(
                f"{name} is an archive of several documents: add it with `ragtune add` or on page "
                "Documents."
            )
        number = self.incoming.put(name, data)
        try:
            with self._home.lock("ingest", _BUSY_SECONDS, _BUSY):
                self._index([number], progress)
            (file,) = self.incoming.files([number])
            document = self.find(file.name)
            if not file.change or document is None:
                raise DocumentError(file.message)
            return Added(document, file.change)
        finally:
            # Whoever gave it knows what became of it, or stopped it.
            self.incoming.cancel([number])
            self.incoming.forget([number])
            self._sweep()

    def work(self, progress: Progress = unheard) -> list[IncomingFile]:
        """Index the files in the line until none is waiting; one process at a time does.

        Returns:
            What became of each of them, and of those that they held.
        """
        numbers: list[int] = []
        with self._home.lock("ingest", _BUSY_SECONDS, _BUSY):
            self.incoming.recover()
            while batch := self._next():
                waiting = self.incoming.counts()["waiting"]
                self._index(batch, _part(progress, len(numbers), len(batch), waiting))
                numbers += batch
            self.index.prepare(progress)
            self._sweep()
        return self.incoming.files(numbers)

    def remove(self, *names: str) -> list[str]:
        """Remove documents with their passages, vectors and copies.

        Args:
            names: of documents, or of archives with documents in them.

        Returns:
            The documents that are gone.

        Raises:
            RagtuneError: there is no such document; none is removed then.
        """
        with self.database.session() as session:
            known = session.scalars(sa.select(DocumentRow.name).order_by(DocumentRow.name)).all()
            gone, missing = dict[str, None](), list[str]()
            for name in dict.fromkeys(names):
                held = [one for one in known if one == name] or [
                    one for one in known if one.startswith(f"{name}/")
                ]
                gone |= dict.fromkeys(held)
                missing += [] if held else [repr(name)]
            if missing:
                listed = ", ".join(known) or "none yet"
                raise RagtuneError(
                    f"There is no document {', '.join(missing)}. Documents: {listed}."
                )
            session.execute(sa.delete(DocumentRow).where(DocumentRow.name.in_(gone)))
            forget_words(session)
        self._sweep()
        return list(gone)

    def empty(self) -> bool:
        """Is there no document yet?"""
        with self.database.session() as session:
            return session.scalar(sa.select(DocumentRow.id).limit(1)) is None

    def missing(self) -> str:
        """Say why there is no document yet; empty where there is one."""
        if not self.empty():
            return ""
        counts = self.incoming.counts()
        waiting = counts["waiting"] + counts["working"]
        if not waiting:
            return "No documents yet."
        return (
            f"No documents yet: {waiting:,} file{' waits' if waiting == 1 else 's wait'} to be "
            "indexed. `ragtune add` does it, and so does the app."
        )

    def documents(self) -> list[Document]:
        """Return all documents by name."""
        query = sa.select(DocumentRow, _PASSAGES).order_by(DocumentRow.name)
        with self.database.session() as session:
            return [_document(row, passages) for row, passages in session.execute(query)]

    def find(self, name: str) -> Document | None:
        """Return the document of this name, or None."""
        query = sa.select(DocumentRow, _PASSAGES).where(DocumentRow.name == name)
        with self.database.session() as session:
            row = session.execute(query).one_or_none()
            return _document(*row) if row else None

    def blocks(self) -> Iterator[tuple[str, list[Block]]]:
        """Yield each document's name and its parsed blocks."""
        with self.database.session() as session:
            rows = session.execute(
                sa.select(DocumentRow.name, DocumentRow.blocks).order_by(DocumentRow.name)
            ).all()
        for name, blocks in rows:
            yield name, [_block(block) for block in blocks]

    def text(self, name: str) -> str:
        """Return a document's whole text, in which its passages have their places.

        Raises:
            RagtuneError: there is no such document.
        """
        query = sa.select(DocumentRow.blocks).where(DocumentRow.name == name)
        with self.database.session() as session:
            blocks = session.scalars(query).one_or_none()
        if blocks is None:
            raise RagtuneError(
                f"{name} is no longer among the documents: add it again to see what it says."
            )
        return document_text(map(_block, blocks))

    def passages(self, name: str) -> list[Passage]:
        """Return a document's passages in reading order."""
        query = (
            sa.select(PassageRow)
            .join(DocumentRow)
            .where(DocumentRow.name == name)
            .order_by(PassageRow.ordinal)
        )
        with self.database.session() as session:
            return [as_passage(row) for row in session.scalars(query)]

    def preview(
        self, data: bytes, name: str, passage_tokens: int, overlap_tokens: int
    ) -> list[tuple[Passage, int]]:
        """Return the passages that a file would become, each with its tokens; nothing is kept.

        Raises:
            DocumentError: the file can't be used.
            ValueError: the sizes don't fit each other.
        """
        if is_archive(name):
            raise DocumentError(
                f"{name} is an archive of several documents: add it to see the passages of each, "
                "or choose one of its files."
            )
        count = self.index.embeddings().count_tokens
        with tempfile.TemporaryDirectory(prefix="ragtune-") as folder:
            file = Path(folder) / "preview"
            file.write_bytes(data)
            blocks = parse(file, check_name(name)).blocks
        passages = split(blocks, count, passage_tokens, overlap_tokens)
        return [(passage, count(passage.text)) for passage in passages]

    def calibration(self) -> Calibration:
        """Return where to decline: as these documents' questions say, else as it came along.

        Raises:
            RagtuneError: the file with it is broken.
        """
        if self._home.calibration.exists():
            own = read_calibration(self._home.calibration)
            if own.verifier == digest():
                return own
        return shipped_calibration()

    def keep_calibration(self, calibration: Calibration | None) -> None:
        """Keep a calibration for these documents; None: go back to the one that came along."""
        if calibration is None:
            self._home.calibration.unlink(missing_ok=True)
        else:
            write_calibration(calibration, self._home.calibration)

    def threshold(self, decline: float) -> float | None:
        """Return what the verifier must say at least; None where nothing is to be declined."""
        return self.calibration().threshold(decline) if decline else None

    def _sweep(self) -> None:
        """Leave nothing lying about of what was removed or replaced."""
        self.incoming.sweep()
        self.database.truncate_log()

    def _next(self) -> list[int]:
        """Return the numbers of the files to index together next."""
        batch: dict[str, int] = {}
        total = 0
        for file in self.incoming.files(state="waiting", most=_BATCH_FILES):
            if file.tries >= _MOST_TRIES:
                self.incoming.give_up(file)
                continue
            total += (self._home.uploads / file.sha256).stat().st_size
            # Two of the same name come one after the other: the later one replaces the first.
            # What ended its process the last time takes no other file with it again.
            apart = file.name in batch or file.tries > 0
            if batch and (apart or total > _BATCH_BYTES):
                break
            batch[file.name] = file.id
            if file.tries > 0:
                break
        return list(batch.values())

    def _index(self, numbers: list[int], progress: Progress) -> None:
        """Index files of the line together."""
        self.incoming.begin(numbers)
        files = [file for file in self.incoming.files(numbers) if file.state == "working"]
        with contextlib.suppress(Stopped):
            index_files(self._home, self.database, self.index, files, progress)


def _part(progress: Progress, done: int, batch: int, waiting: int) -> Progress:
    """Return the progress of one batch as a part of the progress over all files."""
    of = done + waiting
    return lambda message, share: progress(message, (done + batch * share) / of)


def _document(row: DocumentRow, passages: int) -> Document:
    return Document(
        name=row.name,
        pages=row.pages,
        passages=passages,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        passage_tokens=row.passage_tokens,
        overlap_tokens=row.overlap_tokens,
        added_at=row.added_at.isoformat(timespec="seconds"),
    )


def _block(saved: dict[str, Any]) -> Block:
    return Block(
        text=saved["text"],
        headings=tuple(saved["headings"]),
        page=saved["page"],
        cells=tuple((column, value) for column, value in saved["cells"]),
    )
