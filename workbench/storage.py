"""The database: documents, their passages, training examples, and votes."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from workbench.errors import RagtuneError
from workbench.files import disk_sentence
from workbench.home import Home
from workbench.values import APPROVED


class _Base(DeclarativeBase):
    pass


class DocumentRow(_Base):
    """A document of the knowledge base."""

    __tablename__ = "documents"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id is never given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(index=True)
    """Of the file's content; also the name of its copy among the uploads."""
    size_bytes: Mapped[int]
    pages: Mapped[int | None]
    blocks: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, deferred=True)
    """The parsed text in reading order; see `workbench.values.Block`."""
    passage_tokens: Mapped[int]
    """How it was split; see `workbench.settings.Settings`."""
    overlap_tokens: Mapped[int]
    folder: Mapped[str] = mapped_column(default="", server_default="")
    """The watched folder that brought it; empty where a person did."""
    added_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    passages: Mapped[list["PassageRow"]] = relationship(
        cascade="all, delete-orphan", order_by="PassageRow.ordinal", passive_deletes=True
    )


class PassageRow(_Base):
    """A passage of a document."""

    __tablename__ = "passages"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id is never given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(
        sa.ForeignKey("documents.id", ondelete="CASCADE"), index=True
    )
    ordinal: Mapped[int]
    text: Mapped[str]
    headings: Mapped[list[str]] = mapped_column(sa.JSON)
    page: Mapped[int | None]
    start: Mapped[int]
    """Where it begins in the document's text, in characters."""
    end: Mapped[int]
    vector: Mapped[bytes] = mapped_column(deferred=True)
    """Its embedding: float16 numbers, of unit length."""


class IncomingRow(_Base):
    """A file on its way into the knowledge base; its content is among the uploads."""

    __tablename__ = "incoming"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id is never given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    """See `rag_backend.ingest.incoming.State`."""
    change: Mapped[str] = mapped_column(default="")
    """See `rag_backend.documents.Change`; empty where it made none."""
    message: Mapped[str] = mapped_column(default="")
    """What became of it, or what is being done, in one sentence."""
    share: Mapped[float] = mapped_column(default=0.0)
    """How much of it is done, from 0 to 1."""
    tries: Mapped[int] = mapped_column(default=0)
    folder: Mapped[str] = mapped_column(default="", server_default="")
    """See `DocumentRow`."""


class WatchedFolderRow(_Base):
    """A folder whose files are documents."""

    __tablename__ = "watched_folders"

    path: Mapped[str] = mapped_column(primary_key=True)
    trouble: Mapped[str] = mapped_column(default="")
    """Why it could not be looked into; empty where it could."""


class WatchedFileRow(_Base):
    """A file of a watched folder, as it was when it was last put into the line."""

    __tablename__ = "watched_files"

    folder: Mapped[str] = mapped_column(
        sa.ForeignKey("watched_folders.path", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    """Of the document."""
    modified_ns: Mapped[int]
    size_bytes: Mapped[int]


_SCHEMA = 5
"""Kept in the database as its user_version; 0 and 1 are those before it was kept."""
_SAME_DOCUMENTS = 2
"""Since this version documents are kept as they are now."""
_WITH_FOLDERS = 5
"""Since this version they know the watched folder that brought them."""
_LOG_MS = 300
"""So long the log waits for whoever is reading."""
_STATEMENTS = (
    # The words of every passage, by its id: an inverted index that changes with the passages.
    "CREATE VIRTUAL TABLE IF NOT EXISTS passage_words "
    "USING fts5(words, tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE TRIGGER IF NOT EXISTS passage_words_go AFTER DELETE ON passages "
    "BEGIN DELETE FROM passage_words WHERE rowid = old.id; END",
    # A number that grows with every change, so that an index notices.
    "CREATE TABLE IF NOT EXISTS knowledge (version INTEGER NOT NULL)",
    "INSERT INTO knowledge SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM knowledge)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS knowledge_{change} AFTER {change} ON documents "
        "BEGIN UPDATE knowledge SET version = version + 1; END"
        for change in ("INSERT", "UPDATE", "DELETE")
    ),
)
# What an older Ragtune kept of documents can be made again from their files, which it kept too.
_UPGRADE = (
    "INSERT INTO incoming (name, sha256, state, change, message, share, tries) "
    "SELECT name, sha256, 'waiting', '', '', 0, 0 FROM old_documents ORDER BY id",
    "DROP TABLE old_documents",
)
_ADDED = (
    ("examples", "status", APPROVED),
    ("documents", "folder", ""),
    ("incoming", "folder", ""),
)
"""Columns that came later, each with its table and default."""
_FOLDERS = (
    "UPDATE documents SET folder = (SELECT folder FROM watched_files AS w WHERE {same}) "
    "WHERE EXISTS (SELECT 1 FROM watched_files AS w WHERE {same})"
).format(same="documents.name = w.name OR instr(documents.name, w.name || '/') = 1")


class ExampleRow(_Base):
    """A training example."""

    __tablename__ = "examples"

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    answer: Mapped[str]
    fact: Mapped[str]
    document: Mapped[str | None]
    passage: Mapped[str]
    status: Mapped[str] = mapped_column(default=APPROVED, server_default=APPROVED)
    """See `workbench.values.Example`."""


class VoteRow(_Base):
    """What a person said of answers that were shown without names."""

    __tablename__ = "votes"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id is never given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    columns: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    """Whose answers they were, in the order shown; see `comparison.columns.Column`."""
    texts: Mapped[list[str]] = mapped_column(sa.JSON)
    """The answers as they were shown, in that order."""
    said: Mapped[str]
    """See `comparison.votes.Vote`."""
    place: Mapped[int | None]
    voted_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


class Database:
    """A door to the home's database; one for each process and home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._engine = sa.create_engine(f"sqlite:///{home.database}", connect_args={"timeout": 60})
        sa.event.listen(self._engine, "connect", _set_up_sqlite)
        with self._sentences(), self._engine.begin() as connection:
            if _version(connection) != _SCHEMA:
                connection.execute(sa.text("BEGIN IMMEDIATE"))  # one process at a time
                self._set_up(connection)

    def _set_up(self, connection: sa.Connection) -> None:
        """Make what isn't there yet; documents of a much older Ragtune are to be indexed again."""
        version = _version(connection)
        if version > _SCHEMA:
            raise RagtuneError(
                f"{self._home.database} was written by a newer Ragtune. Update this one, or choose "
                "another folder with --home."
            )
        older = version < _SAME_DOCUMENTS and sa.inspect(connection).has_table("documents")
        if older:
            for statement in (
                "DROP TABLE passages",
                "DROP TABLE IF EXISTS passage_words",
                "ALTER TABLE documents RENAME TO old_documents",
            ):
                connection.execute(sa.text(statement))
        _Base.metadata.create_all(connection)
        for table, column, default in _ADDED:
            there = {one["name"] for one in sa.inspect(connection).get_columns(table)}
            if column not in there:
                kind = f"VARCHAR NOT NULL DEFAULT '{default}'"
                connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column} {kind}"))
        if version < _WITH_FOLDERS:
            connection.execute(sa.text(_FOLDERS))
        for statement in (*_STATEMENTS, *(_UPGRADE if older else ())):
            connection.execute(sa.text(statement))
        connection.execute(sa.text(f"PRAGMA user_version = {_SCHEMA}"))

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

    def truncate_log(self) -> None:
        """Empty the log of recent changes, in which what was removed can still be read.

        Where others read on and on meanwhile, one of the next calls does it.
        """
        with self._sentences(), self._engine.connect() as connection:
            connection.detach()  # one of its own, because it waits less than the others
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_LOG_MS}")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def _version(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("PRAGMA user_version")).scalar_one())


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # FULL: a commit that was reported survives a power cut. WAL: readers don't wait.
    # secure_delete: what is removed is overwritten.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
