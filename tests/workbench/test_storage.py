"""A database of another version: nothing is lost, or a clear sentence."""

import hashlib
import sqlite3

import pytest
import sqlalchemy as sa

from comparison.lab import open_lab
from finetune_backend.examples.store import add_examples, list_examples
from rag_backend.ingest.watch import watch
from rag_backend.search.find import find
from workbench.errors import RagtuneError
from workbench.home import open_home
from workbench.settings import Settings
from workbench.storage import Database, DocumentRow, PassageRow, WatchedFileRow
from workbench.values import Example

# As Ragtune wrote it before vectors were kept in the database.
OLDER = """
CREATE TABLE documents (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR NOT NULL UNIQUE,
    sha256 VARCHAR NOT NULL, size_bytes INTEGER NOT NULL, pages INTEGER, blocks JSON NOT NULL,
    vectors VARCHAR NOT NULL, vectors_sha256 VARCHAR NOT NULL, added_at DATETIME NOT NULL);
CREATE TABLE passages (id INTEGER NOT NULL PRIMARY KEY, document_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, text VARCHAR NOT NULL, headings JSON NOT NULL, page INTEGER,
    FOREIGN KEY(document_id) REFERENCES documents (id) ON DELETE CASCADE);
CREATE INDEX ix_passages_document_id ON passages (document_id);
CREATE VIRTUAL TABLE passage_words
    USING fts5(words, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TRIGGER passage_words_go AFTER DELETE ON passages
    BEGIN DELETE FROM passage_words WHERE rowid = old.id; END;
CREATE TABLE examples (id INTEGER NOT NULL PRIMARY KEY, question VARCHAR NOT NULL,
    answer VARCHAR NOT NULL, fact VARCHAR NOT NULL, document VARCHAR, passage VARCHAR NOT NULL);
INSERT INTO examples VALUES (1, 'Who?', 'Nora.', 'nora', NULL, '');
INSERT INTO passages VALUES (1, 1, 0, 'The kite is vermilion.', '[]', NULL);
INSERT INTO passage_words (rowid, words) VALUES (1, 'the kite is vermilion');
"""


def older_home(folder):
    home, data = open_home(folder), b"The kite is vermilion."
    digest = hashlib.sha256(data).hexdigest()
    (home.uploads / digest).write_bytes(data)
    connection = sqlite3.connect(home.database)
    connection.executescript(OLDER)
    row = (1, "kite.txt", digest, len(data), None, "[]", "x.npy", "0", "2026-01-02 03:04:05")
    connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def test_documents_of_an_older_version_are_indexed_again_from_their_files(tmp_path):
    older_home(tmp_path)
    open_lab(tmp_path).database.close()
    lab = open_lab(tmp_path)  # once is enough
    base = lab.knowledge_base
    assert [(file.name, file.state) for file in base.incoming.files()] == [("kite.txt", "waiting")]
    assert [file.change for file in base.work()] == ["added"]
    found = find(base.index, "What colour is the kite?", Settings(reranker="")).sources
    assert [source.text for source in found] == ["The kite is vermilion."]
    with lab.database.session() as session:
        rows = session.connection().exec_driver_sql("SELECT question FROM examples").all()
    assert rows == [("Who?",)]
    assert list_examples(lab.database) == [Example("Who?", "Nora.", "nora")]
    lab.database.close()


def test_examples_of_an_older_version_are_approved_and_documents_stay(tmp_path):
    lab = open_lab(tmp_path)
    lab.knowledge_base.add_bytes(b"The kite is vermilion.", "kite.txt")
    examples = [Example("Who?", "Nora.", "nora", "a.md", "Nora it is."), Example("A?", "a", "f")]
    add_examples(lab.database, examples)
    with lab.database.session() as session:
        passages = session.scalars(sa.select(PassageRow.id)).all()
    lab.database.close()
    connection = sqlite3.connect(lab.home.database)
    connection.execute("ALTER TABLE examples DROP COLUMN status")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    for _ in range(2):  # once is enough, and twice does no harm
        lab = open_lab(tmp_path)
        assert list_examples(lab.database) == examples
        assert lab.knowledge_base.incoming.files() == []
        with lab.database.session() as session:
            assert session.scalars(sa.select(PassageRow.id)).all() == passages != []
        add_examples(lab.database, [Example("B?", "b", "g", status="rejected")])
        examples = list_examples(lab.database)
        assert [one.status for one in examples] == ["approved", "approved", "rejected"]
        lab.database.close()


def test_documents_of_watched_folders_belong_to_them_from_now_on(tmp_path):
    lab = open_lab(tmp_path)
    for name in ("kite.txt", "mine.txt", "pack.zip/a.txt"):
        lab.knowledge_base.add_bytes(b"The kite is vermilion.", name)
    watch(lab.knowledge_base, tmp_path)
    with lab.database.session() as session:
        for name in ("kite.txt", "pack.zip"):
            session.add(
                WatchedFileRow(folder=str(tmp_path), name=name, modified_ns=0, size_bytes=0)
            )
    lab.database.close()
    connection = sqlite3.connect(lab.home.database)
    for table in ("documents", "incoming"):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN folder")
    connection.execute("PRAGMA user_version = 4")
    connection.close()
    lab = open_lab(tmp_path)
    with lab.database.session() as session:
        rows = session.execute(sa.select(DocumentRow.name, DocumentRow.folder)).all()
    assert sorted(rows) == [
        ("kite.txt", str(tmp_path)),
        ("mine.txt", ""),
        ("pack.zip/a.txt", str(tmp_path)),
    ]
    lab.database.close()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path):
    home = open_home(tmp_path)
    Database(home).close()
    connection = sqlite3.connect(home.database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RagtuneError, match="newer Ragtune"):
        Database(home)


def test_something_else_is_told(tmp_path):
    home = open_home(tmp_path)
    home.database.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(RagtuneError, match="not a Ragtune database"):
        Database(home)
