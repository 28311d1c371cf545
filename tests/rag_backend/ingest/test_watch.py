"""A watched folder: what changes there changes here."""

import os
import time
import zipfile

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


def write_zip(path, files, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    os.utime(path, (time.time() - seconds,) * 2)


def test_an_archive_that_is_deleted_takes_its_documents_with_it(base, tmp_path):
    folder = tmp_path / "watched"
    write(folder / "a.txt", "Kites fly.")
    write_zip(folder / "in/pack.zip", {"x.txt": "Boats swim.", "y.txt": "Cranes lift."}, 60)
    watch(base, folder)
    assert follow(base, folder).trouble == ""
    assert names(base) == ["a.txt", "in/pack.zip/x.txt", "in/pack.zip/y.txt"]
    write_zip(folder / "in/pack.zip", {"x.txt": "Boats swim."}, 30)
    follow(base, folder)
    assert names(base) == ["a.txt", "in/pack.zip/x.txt"]
    (folder / "in/pack.zip").unlink()
    assert follow(base, folder).removed == ("in/pack.zip/x.txt",)
    assert names(base) == ["a.txt"]


def test_what_was_deleted_while_nobody_watched_goes_too(base, tmp_path):
    folder = tmp_path / "watched"
    base.add_bytes(b"Mine.", "mine.txt")
    write(folder / "a.txt", "Kites fly.")
    write(folder / "b.txt", "Boats swim.")
    watch(base, folder)
    follow(base, folder)
    unwatch(base, folder)
    (folder / "b.txt").unlink()
    watch(base, folder)
    assert follow(base, folder).removed == ("b.txt",)
    assert names(base) == ["a.txt", "mine.txt"]


def follow(base, folder):
    """Look into a folder, and index what was found."""
    seen = scan(base, folder)
    base.work()
    return seen


def test_what_a_person_added_is_neither_replaced_nor_removed(base, tmp_path):
    base.add_bytes(b"Mine.", "a.txt")
    base.incoming.put("b.txt", b"Mine, too.")
    for name in ("a.txt", "b.txt", "c.txt"):
        write(tmp_path / name, "Kites fly.")
    watch(base, tmp_path)
    seen = follow(base, tmp_path)
    assert seen.changed == ("c.txt",)
    assert "a.txt in" in seen.trouble and "b.txt in" in seen.trouble
    assert "because another document of that name was added by hand" in seen.trouble
    assert (base.text("a.txt"), base.text("b.txt")) == ("Mine.", "Mine, too.")
    base.add_bytes(b"Mine from now on.", "c.txt")
    for name in ("a.txt", "c.txt"):
        (tmp_path / name).unlink()
    assert follow(base, tmp_path).removed == ()
    assert names(base) == ["a.txt", "b.txt", "c.txt"]


def test_a_folder_that_was_added_before_it_is_watched_is_followed(base, tmp_path):
    folder = tmp_path / "watched"
    write(folder / "a.txt", "Kites fly.")
    base.add(folder / "a.txt")
    watch(base, folder)
    assert follow(base, folder).trouble == ""
    (folder / "a.txt").unlink()
    assert follow(base, folder).removed == ("a.txt",)


def test_two_folders_do_not_take_each_others_documents(base, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        write(folder / "same.txt", "Kites fly.")
        write(folder / "other.txt", f"Boats swim in {folder.name}.")
        watch(base, folder)
    assert follow(base, one).trouble == ""
    assert f"brought by {one}: rename" in follow(base, two).trouble
    assert base.text("other.txt") == "Boats swim in one."
    assert scan(base, one).changed == () and scan(base, two).changed == ()
    # What both have changes in one of them, and the other one is told.
    write(one / "same.txt", "Kites fly high.")
    follow(base, one)
    assert "same.txt" in follow(base, two).trouble
    assert base.text("same.txt") == "Kites fly high."
    (one / "same.txt").unlink()
    (one / "other.txt").unlink()
    write(one / "left.txt", "Cranes lift.")
    assert follow(base, one).removed == ("other.txt", "same.txt")
    assert follow(base, two).trouble == ""
    assert base.text("other.txt") == "Boats swim in two."
    assert base.text("same.txt") == "Kites fly."


def test_a_file_that_two_folders_have_stays_where_it_stays_in_one(base, tmp_path):
    for folder in ("one", "two"):
        write(tmp_path / folder / "same.txt", "Kites fly.")
        watch(base, tmp_path / folder)
        follow(base, tmp_path / folder)
    (tmp_path / "one/same.txt").unlink()
    follow(base, tmp_path / "one")
    follow(base, tmp_path / "two")
    assert names(base) == ["same.txt"]


def test_what_is_left_out_is_told(base, tmp_path):
    folder = tmp_path / "watched"
    write(folder / "letter.rtf", "Kites")
    os.mkfifo(folder / "pipe.txt")
    os.utime(folder / "pipe.txt", (0, 0))
    watch(base, folder)
    told = scan(base, folder).trouble
    assert "pipe.txt is no file" in told and "1 left out: letter.rtf (type not supported)." in told


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
