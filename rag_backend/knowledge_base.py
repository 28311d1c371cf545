"""The knowledge base: documents added, removed and searched.

The database and the files beside it are the truth. A document's file and vectors are on
the disk before the one commit that makes it exist, so a kill at any moment leaves either
all of it or nothing but an orphan file, which the next change sweeps away.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rag_backend.documents import Added, Document, Progress, check_name
from rag_backend.index import PassageIndex, as_passage
from rag_backend.parse import parse
from rag_backend.parse.limits import MAX_FILE_BYTES
from rag_backend.passages import embedding_text, split
from rag_backend.search.lexical import add_words
from workbench.errors import DocumentError, RagtuneError
from workbench.files import write_bytes
from workbench.home import Home
from workbench.storage import Database, DocumentRow, PassageRow
from workbench.values import Block, Passage


class KnowledgeBase:
    """Documents, their passages and the index over them, in one home folder."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database
        self.index = PassageIndex(home, database)

    def add(self, path: Path, name: str | None = None, progress: Progress | None = None) -> Added:
        """Add a file, or replace the document of that name; an unchanged one is left alone.

        Args:
            path: the file.
            name: the document's name; the file's own by default.
            progress: see `Progress`.

        Raises:
            DocumentError: the file can't be used; says why and what to do.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)  # one more byte, and the parser refuses it
        except OSError as error:
            raise DocumentError(f"{path} can't be read: {error.strerror}.") from error
        return self.add_bytes(data, name or path.name, progress)

    def add_bytes(self, data: bytes, name: str, progress: Progress | None = None) -> Added:
        """Add a document's content under a name; see `add`."""
        name = check_name(name)
        tell = progress or (lambda _message, _share: None)
        digest = hashlib.sha256(data).hexdigest()
        existing = self.find(name)
        if existing is not None and existing.sha256 == digest:
            return Added(existing, "unchanged")

        tell(f"Reading {name}", 0.0)
        upload = self._home.uploads / digest
        with self._changing():
            write_bytes(upload, data)
            parsed = parse(upload, name)
            embeddings = self.index.embeddings()
            passages = split(parsed.blocks, embeddings.count_tokens)
            tell(f"Embedding {len(passages)} passages of {name}", 0.1)
            vectors = embeddings.embed(
                [embedding_text(name, passage) for passage in passages],
                lambda share: tell(f"Embedding {len(passages)} passages of {name}", share),
            )
            file, checksum = self.index.save_vectors(digest, vectors)
            with self._database.session() as session:
                session.execute(sa.delete(DocumentRow).where(DocumentRow.name == name))
                row = DocumentRow(
                    name=name,
                    sha256=digest,
                    size_bytes=len(data),
                    pages=parsed.pages,
                    blocks=[dataclasses.asdict(block) for block in parsed.blocks],
                    vectors=file,
                    vectors_sha256=checksum,
                    passages=[
                        PassageRow(
                            ordinal=number,
                            text=passage.text,
                            headings=list(passage.headings),
                            page=passage.page,
                        )
                        for number, passage in enumerate(passages)
                    ],
                )
                session.add(row)
                session.flush()
                add_words(
                    session,
                    (
                        (saved.id, embedding_text(name, passage))
                        for saved, passage in zip(row.passages, passages, strict=True)
                    ),
                )
                document = _document(row, len(passages))
        return Added(document, "added" if existing is None else "updated")

    def remove(self, name: str) -> None:
        """Remove a document with its passages, vectors and copy.

        Raises:
            RagtuneError: there is no such document.
        """
        with self._changing(), self._database.session() as session:
            gone = session.execute(sa.delete(DocumentRow).where(DocumentRow.name == name))
            if not gone.rowcount:  # type: ignore[attr-defined]
                names = ", ".join(document.name for document in self.documents()) or "none yet"
                raise RagtuneError(f"There is no document {name!r}. Documents: {names}.")

    def documents(self) -> list[Document]:
        """Return all documents by name."""
        count = (
            sa.select(sa.func.count())
            .where(PassageRow.document_id == DocumentRow.id)
            .scalar_subquery()
        )
        query = sa.select(DocumentRow, count).order_by(DocumentRow.name)
        with self._database.session() as session:
            return [
                _document(row, passages)
                for row, passages in session.execute(
                    query.options(sa.orm.defer(DocumentRow.blocks))
                )
            ]

    def find(self, name: str) -> Document | None:
        """Return the document of this name, or None."""
        return next((document for document in self.documents() if document.name == name), None)

    def blocks(self) -> Iterator[tuple[str, list[Block]]]:
        """Yield each document's name and its parsed blocks."""
        with self._database.session() as session:
            rows = session.execute(
                sa.select(DocumentRow.name, DocumentRow.blocks).order_by(DocumentRow.name)
            ).all()
        for name, blocks in rows:
            yield name, [_block(block) for block in blocks]

    def passages(self, name: str) -> list[Passage]:
        """Return a document's passages in reading order."""
        query = (
            sa.select(PassageRow)
            .join(DocumentRow)
            .where(DocumentRow.name == name)
            .order_by(PassageRow.ordinal)
        )
        with self._database.session() as session:
            return [as_passage(row) for row in session.scalars(query)]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Let one change happen at a time among all processes, and sweep up after it."""
        busy = "Documents are being added elsewhere; try again when that is done."
        with self._home.lock("documents", 600, busy):
            try:
                yield
            finally:
                self._sweep()

    def _sweep(self) -> None:
        """Delete the files that no document refers to."""
        with self._database.session() as session:
            kept = session.execute(sa.select(DocumentRow.sha256, DocumentRow.vectors)).all()
        names = {name for row in kept for name in row}
        for folder in (self._home.uploads, self._home.vectors):
            for file in folder.iterdir():
                if file.name not in names:
                    file.unlink(missing_ok=True)


def _document(row: DocumentRow, passages: int) -> Document:
    return Document(
        name=row.name,
        pages=row.pages,
        passages=passages,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        added_at=row.added_at.isoformat(timespec="seconds"),
    )


def _block(saved: dict[str, Any]) -> Block:
    return Block(
        text=saved["text"],
        headings=tuple(saved["headings"]),
        page=saved["page"],
        cells=tuple((column, value) for column, value in saved["cells"]),
    )
