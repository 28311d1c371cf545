"""Files on their way into the knowledge base: a line that outlives the browser and the process.

A file is in the line once its content is among the uploads and its row is committed. Whoever
works through the line (see `KnowledgeBase.work`) takes note of what becomes of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rag_backend.documents import Change, check_name
from workbench.errors import DocumentError
from workbench.files import write_bytes
from workbench.home import Home
from workbench.storage import Database, DocumentRow, IncomingRow, WatchedFolderRow

State = Literal["waiting", "working", "done", "refused", "cancelled"]
ENDED: tuple[State, ...] = ("done", "refused", "cancelled")
_BUSY = "Files are being stored elsewhere; try again."
_BUSY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file on its way, and how far it has come."""

    id: int
    name: str
    sha256: str
    state: State
    change: Change | Literal[""]
    """What it changed; empty where nothing (yet)."""
    message: str
    """What became of it, or what is being done."""
    share: float
    """How much of it is done, from 0 to 1."""
    tries: int
    """How often it was begun."""
    folder: str
    """The watched folder that brings it; empty where a person does."""


class Incoming:
    """The line."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database

    def put(self, name: str, data: bytes, folder: str = "") -> int:
        """Put a file into the line and return its number; from here on it is safe.

        Args:
            name: what the document is called.
            data: the file's content.
            folder: the watched folder that brings it; empty where a person does.

        Raises:
            DocumentError: the name can't be used, or a watched folder brings what would replace
                another one's document, or a person's.
            RagtuneError: the disk is full.
        """
        name, digest = check_name(name), sha256(data).hexdigest()
        with self._home.lock("uploads", _BUSY_SECONDS, _BUSY):
            with self._database.session() as session:
                if folder:
                    _check_owner(session, name, digest, folder)
            if not (self._home.uploads / digest).exists():
                write_bytes(self._home.uploads / digest, data)
            with self._database.session() as session:
                row = IncomingRow(name=name, sha256=digest, state="waiting", folder=folder)
                session.add(row)
                session.flush()
                return row.id

    def put_again(self, names: Sequence[str]) -> None:
        """Put documents into the line anew, to be indexed as the settings are now."""
        with self._database.session() as session:
            chosen = sa.select(DocumentRow.name, DocumentRow.sha256, DocumentRow.folder)
            rows = session.execute(chosen.where(DocumentRow.name.in_(names))).all()
            session.add_all(
                IncomingRow(name=name, sha256=digest, state="waiting", folder=folder)
                for name, digest, folder in rows
            )

    def files(
        self,
        numbers: Sequence[int] | None = None,
        state: State | None = None,
        most: int | None = None,
    ) -> list[IncomingFile]:
        """Return files in the line, in the order they came.

        Args:
            numbers: only these; by default all.
            state: only those in it; by default in any.
            most: no more than this; by default all.
        """
        query = sa.select(IncomingRow).order_by(IncomingRow.id)
        if numbers is not None:
            query = query.where(IncomingRow.id.in_(numbers))
        if state is not None:
            query = query.where(IncomingRow.state == state)
        with self._database.session() as session:
            return [_file(row) for row in session.scalars(query.limit(most))]

    def counts(self) -> dict[State, int]:
        """Return how many files there are in each state."""
        query = sa.select(IncomingRow.state, sa.func.count()).group_by(IncomingRow.state)
        with self._database.session() as session:
            found: dict[str, int] = dict(session.execute(query).all())
        return {state: found.get(state, 0) for state in ("waiting", "working", *ENDED)}

    def waiting(self) -> bool:
        """Is there a file that nobody has finished?"""
        with self._database.session() as session:
            unfinished = sa.select(IncomingRow.id).where(IncomingRow.state.not_in(ENDED))
            return session.scalar(unfinished.limit(1)) is not None

    def retry(self, number: int) -> None:
        """Let a file that was refused or cancelled be tried again."""
        ended = IncomingRow.state.in_(("refused", "cancelled"))
        self._set((number,), ended, state="waiting", message="", share=0.0, tries=0)

    def cancel(self, numbers: Sequence[int] | None = None) -> None:
        """Take files out that have not come to an end; by default all."""
        with self._database.session() as session:
            cancel(session, numbers)

    def forget(self, numbers: Sequence[int] | None = None, state: State | None = None) -> None:
        """Forget files that have come to an end, by default all; what came of them stays."""
        gone = sa.delete(IncomingRow).where(IncomingRow.state.in_([state] if state else ENDED))
        if numbers is not None:
            gone = gone.where(IncomingRow.id.in_(numbers))
        with self._database.session() as session:
            session.execute(gone)

    def begin(self, numbers: Sequence[int]) -> None:
        """Take note that files are worked on; those that were cancelled are not."""
        waiting = IncomingRow.state == "waiting"
        self._set(numbers, waiting, state="working", tries=IncomingRow.tries + 1)

    def tell(self, numbers: Sequence[int], message: str, share: float) -> None:
        """Take note of how far files have come."""
        self._set(numbers, IncomingRow.state == "working", message=message, share=share)

    def refuse(self, number: int, reason: str) -> None:
        """Take note that a file can't be used, and why."""
        working = IncomingRow.state == "working"
        self._set((number,), working, state="refused", message=reason, share=0.0)

    def give_up(self, file: IncomingFile) -> None:
        """Refuse a file whose process was ended every time that it was begun."""
        self.begin([file.id])
        self.refuse(
            file.id,
            f"{file.name} was begun {file.tries} times and never finished, because the process "
            "was ended each time. Try again with more free memory, or split it.",
        )

    def recover(self) -> None:
        """Put back what a process that is no more was working on."""
        with self._database.session() as session:
            begin_again(session, None)

    def _set(
        self, numbers: Sequence[int] | None, where: "sa.ColumnElement[bool]", **values: object
    ) -> None:
        with self._database.session() as session:
            _change(session, numbers, where, **values)

    def sweep(self) -> None:
        """Delete the uploads that no document and no file in the line refers to."""
        with self._home.lock("uploads", _BUSY_SECONDS, _BUSY):
            with self._database.session() as session:
                kept = set(session.scalars(sa.select(DocumentRow.sha256)))
                unfinished = IncomingRow.state != "done"
                kept |= set(session.scalars(sa.select(IncomingRow.sha256).where(unfinished)))
            for file in self._home.uploads.iterdir():
                if file.name not in kept:
                    file.unlink(missing_ok=True)


def _check_owner(session: Session, name: str, digest: str, folder: str) -> None:
    """Raise a DocumentError where a watched folder would replace what it did not bring."""
    for table, still in (
        (DocumentRow, sa.true()),
        (IncomingRow, IncomingRow.state.not_in(ENDED)),
    ):
        another = sa.select(table.folder).where(
            table.name == name, table.folder != folder, table.sha256 != digest, still
        )
        other = session.scalar(another.limit(1))
        if other is not None:
            raise DocumentError(
                f"{name} in {folder} was left out, because another document of that name was "
                f"{f'brought by {other}' if other else 'added by hand'}: rename the file, or "
                "remove that document."
            )


def adopt(session: Session, file: IncomingFile) -> None:
    """Let a document belong to the watched folder that brings the same, if to no other one."""
    watched = sa.select(WatchedFolderRow.path)
    free = sa.update(DocumentRow).where(
        DocumentRow.name == file.name, DocumentRow.folder.not_in(watched)
    )
    session.execute(free.values(folder=file.folder))


def finish(session: Session, number: int, change: Change, message: str) -> bool:
    """Take note that a file is a document now; False where it was cancelled meanwhile."""
    working = IncomingRow.state == "working"
    values = {"state": "done", "change": change, "message": message, "share": 1.0}
    return bool(_change(session, [number], working, **values))


def cancel(session: Session, numbers: Sequence[int] | None) -> None:
    """Take files out that have not come to an end; None for all of them."""
    unfinished = IncomingRow.state.not_in(ENDED)
    _change(session, numbers, unfinished, state="cancelled", message="Cancelled.")


def begin_again(session: Session, numbers: Sequence[int] | None) -> None:
    """Put files that are being worked on back into the line; None for all of them."""
    working = IncomingRow.state == "working"
    _change(session, numbers, working, state="waiting", message="", share=0.0)


def _change(
    session: Session,
    numbers: Sequence[int] | None,
    where: "sa.ColumnElement[bool]",
    **values: object,
) -> int:
    """Change files in the line, and return how many; without numbers, all that fit."""
    change = sa.update(IncomingRow).where(where)
    if numbers is not None:
        change = change.where(IncomingRow.id.in_(numbers))
    changed = session.execute(change.values(**values))
    return int(changed.rowcount)  # type: ignore[attr-defined]


def _file(row: IncomingRow) -> IncomingFile:
    names = IncomingFile.__slots__
    return IncomingFile(**{name: getattr(row, name) for name in names})
