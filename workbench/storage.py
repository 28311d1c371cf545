"""The database: documents, their passages, and training examples."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from workbench.errors import RagtuneError
from workbench.files import disk_sentence
from workbench.home import Home


class _Base(DeclarativeBase):
    pass


class DocumentRow(_Base):
    """A document of the knowledge base."""

    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str]
    """Of the file's content; also the name of its copy among the uploads."""
    size_bytes: Mapped[int]
    pages: Mapped[int | None]
    blocks: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    """The parsed text in reading order; see `workbench.values.Block`."""
    vectors: Mapped[str]
    """Name of the file with one embedding for each passage."""
    vectors_sha256: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    passages: Mapped[list["PassageRow"]] = relationship(
        cascade="all, delete-orphan", order_by="PassageRow.ordinal", passive_deletes=True
    )


class PassageRow(_Base):
    """A passage of a document."""

    __tablename__ = "passages"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(
        sa.ForeignKey("documents.id", ondelete="CASCADE"), index=True
    )
    ordinal: Mapped[int]
    text: Mapped[str]
    headings: Mapped[list[str]] = mapped_column(sa.JSON)
    page: Mapped[int | None]


# The words of every passage, by its id: an inverted index that changes with the passages.
_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS passage_words "
    "USING fts5(words, tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE TRIGGER IF NOT EXISTS passage_words_go AFTER DELETE ON passages "
    "BEGIN DELETE FROM passage_words WHERE rowid = old.id; END",
)


class ExampleRow(_Base):
    """A training example."""

    __tablename__ = "examples"

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    answer: Mapped[str]
    fact: Mapped[str]
    document: Mapped[str | None]
    passage: Mapped[str]


class Database:
    """A door to the home's database; one for each process and home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._engine = sa.create_engine(f"sqlite:///{home.database}", connect_args={"timeout": 60})
        sa.event.listen(self._engine, "connect", _set_up_sqlite)
        with self._sentences():
            _Base.metadata.create_all(self._engine)
            with self._engine.begin() as connection:
                for statement in _WORDS:
                    connection.execute(sa.text(statement))

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session; what was changed is committed at the end, or rolled back on error."""
        with (
            self._sentences(),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DatabaseError as error:
            reason = disk_sentence(error, self._home.database)
            if reason is None and "not a database" in str(error):
                reason = (
                    f"{self._home.database} is not a Ragtune database. "
                    "Move it away, or choose another folder with --home."
                )
            if reason is None:
                raise
            raise RagtuneError(reason) from error

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # FULL: a commit that was reported survives a power cut. WAL: readers don't wait.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
