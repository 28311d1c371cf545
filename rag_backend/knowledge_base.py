"""The knowledge base: documents added, removed and searched.

The database and the files beside it are the truth. A document's file and vectors are on
the disk before the one commit that makes it exist, so a kill at any moment leaves either
all of it or nothing but an orphan file, which the next change sweeps away.
"""

import dataclasses
import hashlib
import io
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from rag_backend.documents import Added, Document, Progress, Source, check_name
from rag_backend.parse import parse
from rag_backend.parse.limits import MAX_FILE_BYTES
from rag_backend.passages import embedding_text, split
from workbench.errors import DocumentError, RagtuneError
from workbench.files import sha256, write_bytes
from workbench.home import Home
from workbench.storage import Database, DocumentRow, PassageRow
from workbench.values import Block, Passage

if TYPE_CHECKING:
    from langchain_community.vectorstores import FAISS

    from rag_backend.embeddings import MiniLmEmbeddings


class KnowledgeBase:
    """Documents, their passages and the index over them, in one home folder."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database
        self._loading = threading.Lock()
        self._embeddings: MiniLmEmbeddings | None = None
        self._store: FAISS | None = None
        self._store_stamp: tuple[Any, ...] | None = None

    def add(self, path: Path, name: str | None = None, progress: Progress | None = None) -> Added:
        """Add a file, or replace the document of that name; an unchanged one is left alone.

        Args:
            path: the file.
            name: the document's name; the file's own by default.
            progress: see `Progress`.

        Raises:
            DocumentError: the file can't be used; says why and what to do.
        """
        name = check_name(name or path.name)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise DocumentError(
                    f"{name} is {path.stat().st_size / 1e6:,.0f} MB; at most "
                    f"{MAX_FILE_BYTES / 1e6:,.0f} MB are read. Split it and add the parts."
                )
            data = path.read_bytes()
        except OSError as error:
            raise DocumentError(f"{path} can't be read: {error.strerror}.") from error
        return self.add_bytes(data, name, progress)

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
            embeddings = self.embeddings()
            passages = split(parsed.blocks, embeddings.count_tokens)
            tell(f"Embedding {len(passages)} passages of {name}", 0.1)
            vectors = embeddings.embed(
                [embedding_text(name, passage) for passage in passages],
                lambda share: tell(f"Embedding {len(passages)} passages of {name}", share),
            )
            file, checksum = self._save_vectors(digest, vectors)
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
            return [_passage(row) for row in session.scalars(query)]

    def search(self, question: str, k: int) -> list[Source]:
        """Return the k passages nearest to the question, best first.

        Raises:
            RagtuneError: there are no documents.
        """
        found = self.store().similarity_search_with_score(question, k=k)
        return [
            Source(
                document=document.metadata["document"],
                page=document.metadata["page"],
                text=document.metadata["text"],
                headings=tuple(document.metadata["headings"]),
                score=float(score),
            )
            for document, score in found
        ]

    def store(self) -> "FAISS":
        """Return the LangChain vector store over all passages as they are now.

        Raises:
            RagtuneError: there are no documents.
        """
        with self._loading:
            stamp = self.stamp()
            if self._store is None or stamp != self._store_stamp:
                self._store = self._load_store()
                self._store_stamp = stamp
            return self._store

    def stamp(self) -> tuple[Any, ...]:
        """Return a value that changes whenever a document does."""
        columns = sa.select(DocumentRow.name, DocumentRow.sha256, DocumentRow.vectors)
        with self._database.session() as session:
            return tuple(tuple(row) for row in session.execute(columns.order_by(DocumentRow.name)))

    def embeddings(self) -> "MiniLmEmbeddings":
        """Return the embedding model, loaded on first use."""
        from rag_backend.embeddings import MiniLmEmbeddings

        if self._embeddings is None:
            self._embeddings = MiniLmEmbeddings()
        return self._embeddings

    def _load_store(self) -> "FAISS":
        from rag_backend.store import make_store

        with self._database.session() as session:
            rows = session.scalars(
                sa.select(DocumentRow)
                .options(
                    sa.orm.defer(DocumentRow.blocks), sa.orm.selectinload(DocumentRow.passages)
                )
                .order_by(DocumentRow.name)
            ).all()
        texts: list[str] = []
        metadatas: list[dict[str, Any]] = []
        vectors = []
        for row in rows:
            passages = [_passage(passage) for passage in row.passages]
            vectors.append(self._vectors(row, passages))
            for passage in passages:
                texts.append(embedding_text(row.name, passage))
                metadatas.append(
                    {
                        "document": row.name,
                        "page": passage.page,
                        "text": passage.text,
                        "headings": passage.headings,
                    }
                )
        if not texts:
            raise RagtuneError(
                "There are no documents yet. Add some: page Documents, or `ragtune add PATH`."
            )
        return make_store(self.embeddings(), texts, metadatas, np.concatenate(vectors))

    def _vectors(self, row: DocumentRow, passages: list[Passage]) -> Any:
        """Read a document's vectors; embed again where the file is gone or damaged."""
        file = self._home.vectors / row.vectors
        if file.exists() and sha256(file) == row.vectors_sha256:
            return np.load(file, allow_pickle=False)
        warnings.warn(f"The vectors of {row.name} were damaged and are made again.", stacklevel=2)
        vectors = self.embeddings().embed([embedding_text(row.name, p) for p in passages])
        name, checksum = self._save_vectors(row.sha256, vectors)
        with self._database.session() as session:
            session.execute(
                sa.update(DocumentRow)
                .where(DocumentRow.id == row.id)
                .values(vectors=name, vectors_sha256=checksum)
            )
        return vectors

    def _save_vectors(self, digest: str, vectors: Any) -> tuple[str, str]:
        buffer = io.BytesIO()
        np.save(buffer, vectors, allow_pickle=False)
        checksum = hashlib.sha256(buffer.getvalue()).hexdigest()
        # Named by both, so that a replaced document never shares a file with its successor.
        name = f"{digest[:16]}-{checksum[:16]}.npy"
        write_bytes(self._home.vectors / name, buffer.getvalue())
        return name, checksum

    def _changing(self) -> "_Change":
        return _Change(self._home, self._database)


class _Change:
    """One change at a time among all processes; sweeps orphan files at its end."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database

    def __enter__(self) -> None:
        self._lock = self._home.lock(
            "documents", 600, "Documents are being added elsewhere; try again when that is done."
        )

    def __exit__(self, *_error: object) -> None:
        try:
            with self._database.session() as session:
                kept = session.execute(sa.select(DocumentRow.sha256, DocumentRow.vectors)).all()
            names = {name for row in kept for name in row}
            for folder in (self._home.uploads, self._home.vectors):
                for file in folder.iterdir():
                    if file.name not in names:
                        file.unlink(missing_ok=True)
        finally:
            self._lock.release()


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


def _passage(row: PassageRow) -> Passage:
    return Passage(text=row.text, headings=tuple(row.headings), page=row.page)
