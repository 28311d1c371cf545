"""The index over all passages: made from the database's rows and the vectors beside it."""

import hashlib
import io
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from rag_backend.documents import Source
from rag_backend.passages import embedding_text
from workbench.errors import RagtuneError
from workbench.files import sha256, write_bytes
from workbench.home import Home
from workbench.storage import Database, DocumentRow, PassageRow
from workbench.values import Passage

if TYPE_CHECKING:
    from langchain_community.vectorstores import FAISS

    from rag_backend.embeddings import MiniLmEmbeddings


class PassageIndex:
    """Finds passages; notices by itself when documents have changed."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database
        self._loading = threading.RLock()
        self._embeddings: MiniLmEmbeddings | None = None
        self._store: FAISS | None = None
        self._store_stamp: tuple[Any, ...] | None = None

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

    def warm_up(self) -> None:
        """Load everything that a search needs, so that the first one is as fast as the next.

        Raises:
            RagtuneError: there are no documents.
        """
        import rag_backend.chain  # noqa: F401  (LangChain takes a second to import)

        self.search("Who?", 1)

    def stamp(self) -> tuple[Any, ...]:
        """Return a value that changes whenever a document does."""
        columns = sa.select(DocumentRow.name, DocumentRow.sha256, DocumentRow.vectors)
        with self._database.session() as session:
            return tuple(tuple(row) for row in session.execute(columns.order_by(DocumentRow.name)))

    def embeddings(self) -> "MiniLmEmbeddings":
        """Return the embedding model, loaded on first use."""
        from rag_backend.embeddings import MiniLmEmbeddings

        with self._loading:
            if self._embeddings is None:
                self._embeddings = MiniLmEmbeddings()
            return self._embeddings

    def save_vectors(self, digest: str, vectors: Any) -> tuple[str, str]:
        """Write a document's vectors and return the file's name and checksum."""
        buffer = io.BytesIO()
        np.save(buffer, vectors, allow_pickle=False)
        checksum = hashlib.sha256(buffer.getvalue()).hexdigest()
        # Named by both, so that a replaced document never shares a file with its successor.
        name = f"{digest[:16]}-{checksum[:16]}.npy"
        write_bytes(self._home.vectors / name, buffer.getvalue())
        return name, checksum

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
            passages = [as_passage(passage) for passage in row.passages]
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
        name, checksum = self.save_vectors(row.sha256, vectors)
        with self._database.session() as session:
            session.execute(
                sa.update(DocumentRow)
                .where(DocumentRow.id == row.id)
                .values(vectors=name, vectors_sha256=checksum)
            )
        return vectors


def as_passage(row: PassageRow) -> Passage:
    """Return a passage as it was saved."""
    return Passage(text=row.text, headings=tuple(row.headings), page=row.page)
