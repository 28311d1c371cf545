"""Files become documents: parsed, split, embedded and saved, several at a time.

Of a changed document only what changed is embedded again: a passage with the same text under
the same headings keeps its row, its words and its vector.
"""

import dataclasses
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from rag_backend.documents import Change, Progress, few
from rag_backend.index.passage_index import PassageIndex
from rag_backend.ingest.incoming import (
    ENDED,
    Incoming,
    IncomingFile,
    adopt,
    begin_again,
    cancel,
    finish,
)
from rag_backend.parse import parse
from rag_backend.parse.archive import is_archive, members
from rag_backend.passages import embedding_text, split
from rag_backend.search.lexical import add_words, forget_words
from workbench.errors import DocumentError
from workbench.home import Home
from workbench.settings import load_settings
from workbench.storage import Database, DocumentRow, IncomingRow, PassageRow
from workbench.values import ParsedDocument, Passage

_READING = 0.2
"""Of the whole time, for the progress that is shown; embedding takes most of the rest."""
_NOTE_SECONDS = 0.5
_SAVED_AT_ONCE = 2_000
_REASONS = 5
"""Of the files of an archive that were left out, as many are told."""


class Stopped(Exception):
    """All files that were being indexed were cancelled."""


class _LeftOut(Exception):
    """The file that was being read was cancelled; others were not."""


@dataclass(slots=True)
class _Prepared:
    """A document that is about to be saved."""

    file: IncomingFile
    size_bytes: int
    sizes: tuple[int, int]
    """Tokens of a passage, and of the overlap."""
    existing: int | None
    """The row of the document that it replaces."""
    parsed: ParsedDocument
    passages: list[Passage]
    kept: dict[int, int]
    """Numbers of passages that are there already → their rows."""
    vectors: list[Any] = field(default_factory=list)
    """Of the others."""

    @property
    def fresh(self) -> list[int]:
        """Return the numbers of the passages that are new."""
        return [number for number in range(len(self.passages)) if number not in self.kept]

    def text(self, number: int) -> str:
        """Return a passage as it is embedded."""
        return embedding_text(self.file.name, self.passages[number])


def index_files(
    home: Home,
    database: Database,
    index: PassageIndex,
    files: Sequence[IncomingFile],
    progress: Progress,
) -> None:
    """Index files that are in the line together, and note there what becomes of each.

    Raises:
        Stopped: all were cancelled.
    """
    incoming = Incoming(home, database)
    tell = _Telling(incoming, [file.id for file in files], progress)
    prepared = []
    for place, file in enumerate(files):
        try:
            tell(f"Reading {file.name}", _READING * place / len(files), [file.id])
            if is_archive(file.name):
                _unpack(home, database, file, tell)
                continue
            one = _prepare(home, database, index, file, tell)
        except _LeftOut:
            continue
        except DocumentError as error:
            incoming.refuse(file.id, str(error))
            continue
        if one is None:
            with database.session() as session:
                if finish(session, file.id, "unchanged", "Unchanged.") and file.folder:
                    adopt(session, file)
        else:
            prepared.append(one)
    _embed(index, prepared, tell)
    with database.session() as session:
        for one in prepared:
            if one.existing is not None and session.get(DocumentRow, one.existing) is None:
                begin_again(session, [one.file.id])  # it was removed meanwhile
                continue
            change: Change = "added" if one.existing is None else "updated"
            if finish(session, one.file.id, change, _sentence(change, one)):
                _save(session, one)


def _unpack(home: Home, database: Database, file: IncomingFile, tell: "_Telling") -> None:
    """Put an archive's files into the line, and remove the documents of files no longer in it.

    Raises:
        DocumentError: none of its files can be used.
    """
    incoming = Incoming(home, database)
    names, taken, refused = set(), [], []
    for member in members(home.uploads / file.sha256, file.name, tell.check):
        names.add(member.name)
        try:
            if member.refusal:
                raise DocumentError(member.refusal)
            taken.append(incoming.put(member.name, member.data, file.folder))
        except DocumentError as error:
            refused.append(str(error))
    said = f"Unpacked: {len(taken)} file{'' if len(taken) == 1 else 's'}."
    if refused:
        said += f" {len(refused)} left out: {' '.join(refused[:_REASONS])}"
    if len(refused) > _REASONS:
        said += f" And {len(refused) - _REASONS} more."
    if not taken:
        raise DocumentError(f"{file.name} holds nothing that can be added. {said}")
    with database.session() as session:
        earlier = _out_of(DocumentRow, file)
        gone = sorted(set(session.scalars(sa.select(DocumentRow.name).where(earlier))) - names)
        if gone:
            said += f" No longer in it, and removed: {few(gone)}."
        if not finish(session, file.id, "unpacked", said):
            cancel(session, taken)
            return
        on_their_way = _out_of(IncomingRow, file) & IncomingRow.state.not_in(ENDED)
        waiting = session.execute(sa.select(IncomingRow.id, IncomingRow.name).where(on_their_way))
        cancel(session, [number for number, name in waiting if name not in names])
        if gone:
            session.execute(sa.delete(DocumentRow).where(DocumentRow.name.in_(gone)))
            forget_words(session)


def _out_of(
    table: type[DocumentRow] | type[IncomingRow], archive: IncomingFile
) -> "sa.ColumnElement[bool]":
    """Say which rows are of files that came out of an archive of this name."""
    inside = f"{archive.name}/"
    # Not by LIKE, which takes "A" for "a".
    out_of_it = sa.func.substr(table.name, 1, len(inside)) == inside
    return out_of_it & (table.folder == archive.folder) if archive.folder else out_of_it


def _prepare(
    home: Home, database: Database, index: PassageIndex, file: IncomingFile, tell: "_Telling"
) -> _Prepared | None:
    """Parse and split a file, and find out what of it is there already; None if all of it is."""
    settings = load_settings(home)
    sizes = settings.passage_tokens, settings.overlap_tokens
    upload = home.uploads / file.sha256
    with database.session() as session:
        row = session.scalar(sa.select(DocumentRow).where(DocumentRow.name == file.name))
        rows: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
        if row is not None:
            if (row.sha256, row.passage_tokens, row.overlap_tokens) == (file.sha256, *sizes):
                return None
            columns = sa.select(PassageRow.id, PassageRow.text, PassageRow.headings)
            there = columns.where(PassageRow.document_id == row.id)
            for number, text, headings in session.execute(there.order_by(-PassageRow.ordinal)):
                rows[text, tuple(headings)].append(number)
    parsed = parse(upload, file.name, tell.check)
    passages = split(parsed.blocks, index.embeddings().count_tokens, *sizes)
    kept = {}
    for number, passage in enumerate(passages):
        if same := rows.get((passage.text, passage.headings)):
            kept[number] = same.pop()
    existing = None if row is None else row.id
    size = upload.stat().st_size
    return _Prepared(file, size, sizes, existing, parsed, passages, kept)


def _embed(index: PassageIndex, prepared: Sequence[_Prepared], tell: "_Telling") -> None:
    """Embed what is new in all of them together."""
    wanted = [(one, number) for one in prepared for number in one.fresh]
    if not wanted:
        return
    what = f"Embedding {len(wanted):,} passage{'' if len(wanted) == 1 else 's'}"
    tell(what, _READING)
    vectors = index.embeddings().embed(
        [one.text(number) for one, number in wanted],
        lambda share: tell(what, _READING + (1 - _READING) * share),
    )
    for (one, _), vector in zip(wanted, vectors.astype(np.float16), strict=True):
        one.vectors.append(vector)


def _save(session: Session, one: _Prepared) -> None:
    """Save a document with its passages in place of the one that was there."""
    values = {
        "name": one.file.name,
        "sha256": one.file.sha256,
        "size_bytes": one.size_bytes,
        "pages": one.parsed.pages,
        "blocks": [dataclasses.asdict(block) for block in one.parsed.blocks],
        "passage_tokens": one.sizes[0],
        "overlap_tokens": one.sizes[1],
        "folder": one.file.folder,
    }
    if one.existing is None:
        row = DocumentRow(**values)
        session.add(row)
        session.flush()
        document = row.id
    else:
        document = one.existing
        changed = sa.update(DocumentRow).where(DocumentRow.id == document)
        session.execute(changed.values(**values, added_at=datetime.now(UTC)))
        ids = sa.select(PassageRow.id).where(PassageRow.document_id == document)
        gone = list(set(session.scalars(ids)) - set(one.kept.values()))
        for start in range(0, len(gone), _SAVED_AT_ONCE):
            part = gone[start : start + _SAVED_AT_ONCE]
            session.execute(sa.delete(PassageRow).where(PassageRow.id.in_(part)))
    if one.kept:
        session.execute(
            sa.update(PassageRow),
            [{"id": row, **_place(one, number)} for number, row in one.kept.items()],
        )
    new = [
        {
            "document_id": document,
            "text": one.passages[number].text,
            "headings": list(one.passages[number].headings),
            "vector": vector.tobytes(),
            **_place(one, number),
        }
        for number, vector in zip(one.fresh, one.vectors, strict=True)
    ]
    if new:
        inserted = sa.insert(PassageRow).returning(PassageRow.id, sort_by_parameter_order=True)
        made = session.scalars(inserted, new)
        add_words(session, zip(made, (one.text(number) for number in one.fresh), strict=True))


def _place(one: _Prepared, number: int) -> dict[str, Any]:
    passage = one.passages[number]
    return {
        "ordinal": number,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
    }


def _sentence(change: Change, one: _Prepared) -> str:
    count = len(one.passages)
    said = f"{change.capitalize()}: {count} passage{'' if count == 1 else 's'}"
    if one.parsed.pages:
        said += f" of {one.parsed.pages} page{'' if one.parsed.pages == 1 else 's'}"
    if one.parsed.scanned:
        said += f", the text of {one.parsed.scanned} recognised in a picture"
    if one.kept and one.fresh:
        said += f", {len(one.fresh)} of them new"
    return said + "."


class _Telling:
    """Passes progress on, notes it in the line, and stops what was cancelled."""

    def __init__(self, incoming: Incoming, numbers: list[int], progress: Progress) -> None:
        self._incoming, self._numbers, self._progress = incoming, numbers, progress
        self._message, self._share, self._about = "", 0.0, numbers
        self._next = 0.0

    def __call__(self, message: str, share: float, about: list[int] | None = None) -> None:
        """Tell what is done with all of the files, or only with those that it is about."""
        self._message, self._share, self._about = message, share, about or self._numbers
        self._progress(message, share)
        self.check()

    def check(self) -> None:
        """Note how far it is, and stop what was cancelled; often called, seldom done."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _NOTE_SECONDS
        self._incoming.tell(self._about, self._message, self._share)
        files = self._incoming.files(self._numbers)
        working = {file.id for file in files if file.state == "working"}
        if not working:
            raise Stopped
        if working.isdisjoint(self._about):
            raise _LeftOut
