"""The index over all passages: made from the database, and brought up to date by difference."""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from rag_backend.documents import Progress, unheard
from rag_backend.index import nearest
from rag_backend.index.nearest import Nearest, Shape
from rag_backend.passages import embedding_text, joined
from rag_backend.search.lexical import search_words
from rag_backend.search.only import Only
from workbench.errors import RagtuneError
from workbench.home import Home
from workbench.settings import Settings
from workbench.storage import Database, DocumentRow, PassageRow
from workbench.values import Passage

if TYPE_CHECKING:
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document

    from rag_backend.embeddings import MiniLmEmbeddings
    from rag_backend.search.rerank import Reranker
    from rag_backend.verify.verifier import Verifier

_BATCH = 20_000
_KNOWN_AT_ONCE = 500
_NO_DOCUMENTS = "There are no documents yet. Add some: page Documents, or `ragtune add PATH`."
_COUNT = sa.select(sa.func.count(PassageRow.id))
_VERSION = sa.text("SELECT version FROM knowledge")


class PassageIndex:
    """Finds passages; notices by itself when documents have changed."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database
        self._loading = threading.RLock()
        self._embeddings: MiniLmEmbeddings | None = None
        self._reranker: Reranker | None = None
        self._updating = threading.RLock()
        self._nearest: Nearest | None = None
        self._version = -1
        self._fingerprint = (-1, "")

    def nearest(
        self, vector: Sequence[float], k: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return the ids of the k passages nearest to a question's vector, with their cosines.

        Best first; where ``among`` is given, only of these ids. Raises: as `refresh`.
        """
        asked = np.array(vector, dtype=np.float32)
        with self._updating:
            found = self.refresh().search(asked, k, among)
        cosines = self.cosines(vector, found)
        return sorted(cosines.items(), key=lambda pair: -pair[1])[:k]

    def with_words(
        self, question: str, k: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return the ids of the k passages whose words fit best, with their BM25 scores."""
        with self._database.session() as session:
            return search_words(session, question, k, among)

    def ids(self, only: Only) -> list[int]:
        """Return the ids of the passages that a search is limited to."""
        with self._database.session() as session:
            return list(session.scalars(only.where(sa.select(PassageRow.id).join(DocumentRow))))

    def cosines(self, vector: Sequence[float], ids: Sequence[int]) -> dict[int, float]:
        """Return the similarity of passages to a question's vector; those gone are left out."""
        asked = np.array(vector, dtype=np.float32)
        return {number: float(one @ asked) for number, one in self.vectors(ids).items()}

    def passages(self, ids: Sequence[int]) -> dict[int, "Document"]:
        """Return passages as LangChain documents by their ids; those gone are left out.

        The content is what is embedded and read. The metadata has ``id``, ``document``,
        ``page``, ``text``, ``headings``, ``start`` and ``end``.
        """
        from langchain_core.documents import Document

        found = {}
        with self._database.session() as session:
            for part in _parts(ids):
                query = sa.select(DocumentRow.name, PassageRow).join(PassageRow)
                for name, row in session.execute(query.where(PassageRow.id.in_(part))):
                    passage = as_passage(row)
                    found[row.id] = Document(
                        id=str(row.id),
                        page_content=embedding_text(name, passage),
                        metadata={
                            "id": row.id,
                            "document": name,
                            "page": passage.page,
                            "text": passage.text,
                            "headings": passage.headings,
                            "start": passage.start,
                            "end": passage.end,
                        },
                    )
        return found

    def vectors(self, ids: Sequence[int]) -> dict[int, Any]:
        """Return the vectors of passages, float32, by their ids; those gone are left out."""
        with self._database.session() as session:
            return {
                number: floats(blob)
                for part in _parts(ids)
                for number, blob in session.execute(
                    sa.select(PassageRow.id, PassageRow.vector).where(PassageRow.id.in_(part))
                )
            }

    def around(self, number: int, reach: int) -> Passage | None:
        """Return a passage with up to so many before and after it of the same section.

        None where it is gone.
        """
        with self._database.session() as session:
            middle = session.get(PassageRow, number)
            if middle is None:
                return None
            rows = session.scalars(
                sa.select(PassageRow)
                .where(
                    PassageRow.document_id == middle.document_id,
                    PassageRow.ordinal.between(middle.ordinal - reach, middle.ordinal + reach),
                )
                .order_by(PassageRow.ordinal)
            ).all()
            section = [row for row in rows if row.headings == middle.headings]
            return joined([as_passage(row) for row in section])

    def store(self) -> "FAISS":
        """Return all passages as LangChain's vector store, to use them elsewhere.

        Raises: as `refresh`.
        """
        from rag_backend.index.store import make_store

        return make_store(self.embeddings(), self.refresh().faiss, self.passages)

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

    def verifier(self) -> "Verifier":
        """Return what says whether a passage holds an answer, loaded on first use.

        Once the fast engine is ready, it is loaded again for that one.

        Raises:
            RagtuneError: its language model is not there.
        """
        from rag_backend.verify.verifier import load_verifier

        with self._loading:
            return load_verifier()

    def embeddings(self) -> "MiniLmEmbeddings":
        """Return the embedding model, loaded on first use."""
        from rag_backend.embeddings import MiniLmEmbeddings

        with self._loading:
            if self._embeddings is None:
                self._embeddings = MiniLmEmbeddings()
            return self._embeddings

    def refresh(self, tell: Progress = unheard) -> Nearest:
        """Bring the index up to date with the documents and return it.

        What changed is added and removed. A knowledge base that has outgrown its index gets
        a new one: a matter of seconds for 100,000 passages, of minutes for a million.

        Raises:
            RagtuneError: there are no documents.
        """
        with self._updating:
            with self._database.session() as session:
                version = session.execute(_VERSION).scalar_one()
                if self._nearest is None or version != self._version:
                    self._update(session, tell)
                    self._version = version
            if not self._nearest:
                raise RagtuneError(_NO_DOCUMENTS)
            return self._nearest

    def prepare(self, tell: Progress) -> None:
        """Build what a large knowledge base needs for searching; see `refresh`."""
        with self._database.session() as session:
            count = session.execute(_COUNT).scalar_one()
        if count > nearest.EXACT_UP_TO:
            self.refresh(tell)

    def shape(self) -> Shape:
        """Say how the index searches; see `refresh`."""
        return self.refresh().shape

    def warm_up(self, settings: Settings) -> None:
        """Load everything that a search needs, so that the first one is as fast as the next.

        Raises:
            RagtuneError: there are no documents.
        """
        import rag_backend.answer.chain  # noqa: F401  (LangChain takes a second to import)
        from rag_backend.search.find import find

        find(self, "Who?", settings)
        if settings.decline:
            self.verifier()

    def fingerprint(self) -> str:
        """Return a hash of all documents' names and contents."""
        with self._database.session() as session:
            version = session.execute(_VERSION).scalar_one()
            if self._fingerprint[0] != version:
                columns = sa.select(DocumentRow.name, DocumentRow.sha256)
                rows = session.execute(columns.order_by(DocumentRow.name))
                text = json.dumps([tuple(row) for row in rows])
                self._fingerprint = version, hashlib.sha256(text.encode()).hexdigest()
            return self._fingerprint[1]

    def _update(self, session: Session, tell: Progress) -> None:
        """Make the index hold what the database holds."""
        count = session.execute(_COUNT).scalar_one()
        held = self._nearest
        if held is None or not held.suits(count):
            held = (
                nearest.load(self._home.index) if count > nearest.EXACT_UP_TO else nearest.exact()
            )
        if held is None or not held.suits(count):
            held = nearest.build(count, lambda: _vectors(session), tell)
            held.save(self._home.index)
        else:
            known = held.ids()
            for ids, vectors in _vectors(session, int(known.max(initial=0))):
                held.add(ids, vectors)
            if len(held) != count:
                there = np.fromiter(session.scalars(sa.select(PassageRow.id)), dtype=np.int64)
                held.remove(np.setdiff1d(known, there, assume_unique=True))
            held.save_changes(self._home.index)
        self._nearest = held


def _vectors(session: Session, after: int = 0) -> nearest.Vectors:
    """Yield the vectors of all passages with a larger id, in batches, float32."""
    query = sa.select(PassageRow.id, PassageRow.vector).where(PassageRow.id > after)
    rows = session.execute(query.order_by(PassageRow.id), execution_options={"yield_per": _BATCH})
    for part in rows.partitions():
        ids, blobs = zip(*part, strict=True)
        yield np.array(ids, dtype=np.int64), floats(b"".join(blobs)).reshape(len(ids), -1)


def floats(blob: bytes) -> Any:
    """Return saved vectors as float32 numbers, one after the other."""
    return np.frombuffer(blob, dtype=np.float16).astype(np.float32)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _KNOWN_AT_ONCE):
        yield ids[start : start + _KNOWN_AT_ONCE]


def as_passage(row: PassageRow) -> Passage:
    """Return a passage as it was saved."""
    return Passage(row.text, tuple(row.headings), row.page, row.start, row.end)
