"""A watched folder: what changes there changes here."""

import os
import time

import pytest

from rag_backend.ingest import process as ingest
from rag_backend.ingest.watch import scan, trouble, unwatch, watch, watched
from workbench.errors import DocumentError


@pytest.fixture()
def base(tiny_lab):
    return tiny_lab.knowledge_base


def write(path, text):
    """Write a file that was finished a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    then = time.time() - 60 + len(text)
    os.utime(path, (then, then))


def names(base):
    return [document.name for document in base.documents()]


def test_new_changed_and_deleted_files_are_followed(base, tmp_path):
    folder = tmp_path / "watched"
    write(folder / "a.txt", "Kites fly.")
    write(folder / "sub/b.txt", "Boats swim.")
    base.add_bytes(b"Mine.", "mine.txt")
    watch(base, folder)
    assert watched(base) == [folder]
    assert scan(base, folder).changed == ("a.txt", "sub/b.txt")
    base.work()
    assert names(base) == ["a.txt", "mine.txt", "sub/b.txt"]
    assert scan(base, folder).changed == ()
    write(folder / "a.txt", "Kites fly high.")
    (folder / "sub/b.txt").unlink()
    seen = scan(base, folder)
    assert (seen.changed, seen.removed) == (("a.txt",), ("sub/b.txt",))
    base.work()
    assert names(base) == ["a.txt", "mine.txt"] and base.text("a.txt") == "Kites fly high."
    unwatch(base, folder)
    assert watched(base) == [] and names(base) == ["a.txt", "mine.txt"]


def test_a_file_gone_before_it_was_indexed_does_not_come_back(base, tmp_path):
    write(tmp_path / "a.txt", "Kites fly.")
    watch(base, tmp_path)
    scan(base, tmp_path)
    (tmp_path / "a.txt").unlink()
    scan(base, tmp_path)
    base.work()
    assert names(base) == []


def test_a_file_that_is_still_being_written_waits(base, tmp_path):
    (tmp_path / "a.txt").write_text("Kites", encoding="utf-8")
    watch(base, tmp_path)
    assert scan(base, tmp_path).changed == ()
    write(tmp_path / "a.txt", "Kites fly.")
    assert scan(base, tmp_path).changed == ("a.txt",)


def test_a_folder_that_is_away_takes_nothing_with_it(base, tmp_path):
    folder = tmp_path / "disk"
    write(folder / "a.txt", "Kites fly.")
    watch(base, folder)
    scan(base, folder)
    base.work()
    folder.rename(tmp_path / "elsewhere")
    assert "can't be found" in scan(base, folder).trouble
    assert "can't be found" in trouble(base, folder) and names(base) == ["a.txt"]
    (tmp_path / "elsewhere").rename(folder)
    scan(base, folder)
    assert trouble(base, folder) == ""


def test_a_folder_that_is_empty_all_at_once_keeps_its_documents(base, tmp_path):
    folder = tmp_path / "disk"
    for name in ("a.txt", "b.txt"):
        write(folder / name, f"Kites fly, says {name}.")
    watch(base, folder)
    scan(base, folder)
    base.work()
    for name in ("a.txt", "b.txt"):
        (folder / name).unlink()
    assert "is empty. Its 2 documents are kept" in scan(base, folder).trouble
    assert names(base) == ["a.txt", "b.txt"]
    write(folder / "b.txt", "Kites fly, says b.txt.")
    assert scan(base, folder).removed == ("a.txt",) and names(base) == ["b.txt"]


def test_only_folders_are_watched(base, tmp_path):
    with pytest.raises(DocumentError, match="not a folder"):
        watch(base, tmp_path / "missing")


def test_the_process_beside_the_app_indexes_and_follows(base, tiny_lab, tmp_path):
    write(tmp_path / "w/a.txt", "Kites fly.")
    watch(base, tmp_path / "w")
    base.incoming.put("b.txt", b"Boats swim.")
    ingest.ensure(tiny_lab.home, base)
    ingest.ensure(tiny_lab.home, base)  # there is one already
    try:
        deadline = time.monotonic() + 60
        while names(base) != ["a.txt", "b.txt"] and time.monotonic() < deadline:
            time.sleep(0.2)
        assert names(base) == ["a.txt", "b.txt"]
        assert ingest.state(tiny_lab.home).active
    finally:
        (tiny_lab.home.folder / "ingest/cancel").touch()
    deadline = time.monotonic() + 20
    while ingest.state(tiny_lab.home).active and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ingest.state(tiny_lab.home).state == "cancelled"
