"""The index over all passages: made from the database's rows and the vectors beside it."""

import hashlib
import io
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from rag_backend.passages import embedding_text
from rag_backend.search.lexical import add_words, search_words
from workbench.errors import RagtuneError
from workbench.files import sha256, write_bytes
from workbench.home import Home
from workbench.settings import Settings
from workbench.storage import Database, DocumentRow, PassageRow
from workbench.values import Passage

if TYPE_CHECKING:
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document

    from rag_backend.embeddings import MiniLmEmbeddings
    from rag_backend.search.rerank import Reranker


@dataclass(frozen=True, slots=True)
class Passages:
    """All passages as they were at one moment, by their ids."""

    store: "FAISS"
    """LangChain's vector store over them."""
    places: dict[int, int]
    """A passage's id → its place in the store."""

    def nearest(self, vector: list[float], k: int) -> list[tuple[int, float]]:
        """Return the ids of the k passages nearest to a question's vector, with their cosines."""
        found = self.store.similarity_search_with_score_by_vector(vector, k=k)
        return [(document.metadata["id"], float(score)) for document, score in found]

    def cosines(self, vector: list[float], ids: Sequence[int]) -> list[float]:
        """Return the similarity of passages to a question's vector."""
        asked = np.array(vector, dtype=np.float32)
        return [float(self.store.index.reconstruct(self.places[n]) @ asked) for n in ids]

    def passage(self, number: int) -> "Document":
        """Return a passage with its metadata: id, document, page, text and headings."""
        key = self.store.index_to_docstore_id[self.places[number]]
        document: Document = self.store.docstore.search(key)
        return document


class PassageIndex:
    """Finds passages; notices by itself when documents have changed."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database
        self._loading = threading.RLock()
        self._embeddings: MiniLmEmbeddings | None = None
        self._reranker: Reranker | None = None
        self._passages: Passages | None = None
        self._stamp: tuple[Any, ...] | None = None

    def with_words(self, question: str, k: int) -> list[tuple[int, float]]:
        """Return the ids of the k passages whose words fit best, with their BM25 scores."""
        with self._database.session() as session:
            return search_words(session, question, k)

    def reranker(self, name: str) -> "Reranker":
        """Return the reranker of this name, loaded on first use.

        Raises:
            RagtuneError: there is none of this name.
        """
        from rag_backend.search.rerank import load_reranker

        with self._loading:
            if self._reranker is None or self._reranker.name != name:
                self._reranker = load_reranker(name)
            return self._reranker

    def passages(self) -> Passages:
        """Return all passages as they are now.

        Raises:
            RagtuneError: there are no documents.
        """
        with self._loading:
            stamp = self.stamp()
            if self._passages is None or stamp != self._stamp:
                self._passages, self._stamp = self._load(), stamp
            return self._passages

    def warm_up(self, settings: Settings) -> None:
        """Load everything that a search needs, so that the first one is as fast as the next.

        Raises:
            RagtuneError: there are no documents.
        """
        import rag_backend.chain  # noqa: F401  (LangChain takes a second to import)
        from rag_backend.search.find import find

        find(self, "Who?", settings)

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

    def _load(self) -> Passages:
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
        ids: list[int] = []
        vectors = []
        for row in rows:
            passages = [as_passage(passage) for passage in row.passages]
            vectors.append(self._vectors(row, passages))
            for saved, passage in zip(row.passages, passages, strict=True):
                ids.append(saved.id)
                texts.append(embedding_text(row.name, passage))
                metadatas.append(
                    {
                        "id": saved.id,
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
        self._catch_up(ids, texts)
        store = make_store(self.embeddings(), texts, metadatas, np.concatenate(vectors))
        return Passages(store, {number: place for place, number in enumerate(ids)})

    def _catch_up(self, ids: list[int], texts: list[str]) -> None:
        """Index the words of passages that were added before there was an index of words."""
        with self._database.session() as session:
            known = set(session.scalars(sa.text("SELECT rowid FROM passage_words")))
            missing = [pair for pair in zip(ids, texts, strict=True) if pair[0] not in known]
            add_words(session, missing)

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
