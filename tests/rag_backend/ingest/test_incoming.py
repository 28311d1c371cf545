"""The line of incoming files: nothing gets stuck, nothing is lost, everything is told."""

import io
import zipfile

import pytest

from rag_backend.ingest.indexing import Stopped
from workbench.errors import DocumentError


@pytest.fixture()
def base(tiny_lab):
    return tiny_lab.knowledge_base


def states(base):
    return {file.name: file.state for file in base.incoming.files()}


def test_each_file_is_told_what_became_of_it(base):
    base.incoming.put("a.txt", b"Kites fly.")
    base.incoming.put("b.pdf", b"no PDF")
    base.incoming.put("a.txt", b"Kites fly high.")
    shares = []
    files = base.work(lambda message, share: shares.append(share))
    assert [(file.name, file.state, file.change) for file in files] == [
        ("a.txt", "done", "added"),
        ("b.pdf", "refused", ""),
        ("a.txt", "done", "updated"),
    ]
    assert "not a PDF" in files[1].message and files[0].message == "Added: 1 passage."
    assert base.text("a.txt") == "Kites fly high."
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1


def test_a_refused_file_can_be_tried_again_and_its_content_is_kept(base, tiny_lab):
    number = base.incoming.put("b.pdf", b"no PDF")
    base.work()
    assert len(list(tiny_lab.home.uploads.iterdir())) == 1
    base.incoming.retry(number)
    assert states(base) == {"b.pdf": "waiting"}
    (file,) = base.work()
    assert file.state == "refused"
    base.incoming.forget([number])
    base.incoming.sweep()
    assert not base.incoming.files() and not list(tiny_lab.home.uploads.iterdir())


def test_a_cancelled_file_is_left_out_and_the_others_go_on(base):
    base.incoming.put("a.txt", b"Kites fly.")
    number = base.incoming.put("b.txt", b"Boats swim.")
    base.incoming.cancel([number])
    base.work()
    assert states(base) == {"a.txt": "done", "b.txt": "cancelled"}
    assert [document.name for document in base.documents()] == ["a.txt"]


def test_a_file_cancelled_while_it_is_embedded_does_not_become_a_document(base):
    number = base.incoming.put("a.txt", b"Kites fly.")
    other = base.incoming.put("b.txt", b"Boats swim.")

    def cancel(message, share):
        if message.startswith("Embedding"):
            base.incoming.cancel([number])

    base.work(cancel)
    assert states(base) == {"a.txt": "cancelled", "b.txt": "done"}
    assert [document.name for document in base.documents()] == ["b.txt"]
    assert [file.id for file in base.incoming.files([other])] == [other]


def test_the_work_stops_when_everything_was_cancelled(base, monkeypatch):
    monkeypatch.setattr("rag_backend.ingest.indexing._NOTE_SECONDS", 0.0)
    number = base.incoming.put("a.txt", b"Kites fly.")
    told = []

    def cancel(message, share):
        told.append(message)
        base.incoming.cancel([number])

    base.work(cancel)
    assert told == ["Reading a.txt"] and states(base) == {"a.txt": "cancelled"}
    assert issubclass(Stopped, Exception)


def test_a_file_that_ends_its_process_again_and_again_is_given_up(base):
    number = base.incoming.put("a.txt", b"Kites fly.")
    for _ in range(3):  # each time the process that began it was killed
        base.incoming.recover()
        base.incoming.begin([number])
    base.incoming.put("b.txt", b"Boats swim.")
    base.work()
    assert states(base) == {"a.txt": "refused", "b.txt": "done"}
    assert base.incoming.counts()["refused"] == 1
    assert "begun 3 times" in base.incoming.files([number])[0].message


def test_a_document_removed_while_its_update_is_read_is_added_anew(base):
    base.add_bytes(b"Kites fly.", "a.txt")
    base.incoming.put("a.txt", b"Kites fly. Boats swim.")

    def remove(message, share):
        if message.startswith("Embedding") and base.find("a.txt"):
            base.remove("a.txt")

    base.work(remove)
    assert base.incoming.files()[-1].change == "added"
    assert base.text("a.txt") == "Kites fly. Boats swim."


def test_an_unusable_name_is_refused_at_once(base):
    with pytest.raises(DocumentError, match="file name"):
        base.incoming.put("\x00", b"text")
    assert not base.incoming.files()


def test_many_small_files_are_indexed_together(base):
    for number in range(70):
        base.incoming.put(f"{number}.txt", f"Kite {number} flies.".encode())
    told = []
    base.work(lambda message, share: told.append(message))
    assert len(base.documents()) == 70
    assert [message for message in dict.fromkeys(told) if message.startswith("Embedding")] == [
        "Embedding 64 passages",
        "Embedding 6 passages",
    ]


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_an_archive_gives_a_document_for_each_of_its_files(base):
    files = {"a.txt": "Kites fly.", "in/b.md": "# Boats\n\nThey swim.", "c.exe": "MZ"}
    base.incoming.put("all.zip", zipped(files))
    base.incoming.put("none.zip", zipped({"../c.txt": "Out."}))
    archive, other, *rest = base.work()
    assert (archive.state, archive.change) == ("done", "unpacked")
    assert archive.message.startswith("Unpacked: 2 files. 1 left out: all.zip/c.exe was not added")
    assert other.state == "refused" and "leads out of the archive" in other.message
    assert [file.name for file in rest] == ["all.zip/a.txt", "all.zip/in/b.md"]
    assert [document.name for document in base.documents()] == ["all.zip/a.txt", "all.zip/in/b.md"]
    with pytest.raises(DocumentError, match="archive of several documents"):
        base.add_bytes(zipped(files), "all.zip")


def test_an_archive_with_fewer_files_takes_the_documents_of_the_others_with_it(base):
    base.add_bytes(b"Mine.", "all.zip.txt")
    base.incoming.put("all.zip", zipped({"a.txt": "Kites fly.", "b.txt": "Boats swim."}))
    base.work()
    base.incoming.put("all.zip", zipped({"a.txt": "Kites fly high."}))
    said = base.work()[0].message
    assert said == "Unpacked: 1 file. No longer in it, and removed: all.zip/b.txt."
    assert [document.name for document in base.documents()] == ["all.zip.txt", "all.zip/a.txt"]
    # The second is in the line before anything of the first is unpacked.
    base.incoming.put("all.zip", zipped({"a.txt": "Kites.", "c.txt": "Cranes."}))
    base.incoming.put("all.zip", zipped({"a.txt": "Kites fly."}))
    base.work()
    assert [document.name for document in base.documents()] == ["all.zip.txt", "all.zip/a.txt"]
    assert base.text("all.zip/a.txt") == "Kites fly."
    base.incoming.put("all.zip", zipped({"../c.txt": "Out."}))
    base.work()
    assert base.find("all.zip/a.txt")  # a refused one takes nothing with it


def test_many_left_out_are_counted(base):
    base.incoming.put("all.zip", zipped({f"{n}.exe": "MZ" for n in range(9)} | {"a.txt": "Kites."}))
    said = base.work()[0].message
    assert "9 left out: " in said and said.endswith(" And 4 more.")


def test_a_file_cancelled_while_it_is_read_lets_the_others_go_on(base, monkeypatch):
    monkeypatch.setattr("rag_backend.ingest.indexing._NOTE_SECONDS", 0.0)
    numbers = [base.incoming.put(f"{n}.txt", b"Kites fly.") for n in "abc"]
    told = []

    def parse(path, name, check):
        told.append(name)
        if name == "b.txt":
            base.incoming.cancel([numbers[1]])
            check()
            told.append("b.txt was read to its end")
        return really(path, name, check)

    from rag_backend.ingest import indexing

    really = indexing.parse
    monkeypatch.setattr(indexing, "parse", parse)
    base.work()
    assert told == ["a.txt", "b.txt", "c.txt"]
    assert states(base) == {"a.txt": "done", "b.txt": "cancelled", "c.txt": "done"}


def test_a_file_that_ended_its_process_is_tried_again_alone(base):
    for name in ("a.txt", "b.txt", "c.txt"):
        base.incoming.put(name, b"Kites fly.")
    base.incoming.begin([file.id for file in base.incoming.files()][:2])
    base.incoming.recover()
    told = []
    base.work(lambda message, share: told.append(message))
    assert set(states(base).values()) == {"done"}
    assert "Embedding 1 passage" in told
    assert [document.name for document in base.documents()] == ["a.txt", "b.txt", "c.txt"]


def test_what_is_read_is_told_of_that_file_alone(base, monkeypatch):
    monkeypatch.setattr("rag_backend.ingest.indexing._NOTE_SECONDS", 0.0)
    for name in ("a.txt", "b.txt"):
        base.incoming.put(name, b"Kites fly.")
    seen = []

    def look(message, share):
        seen.append({file.name: file.message for file in base.incoming.files()})

    base.work(look)
    assert {"a.txt": "Reading a.txt", "b.txt": ""} in seen
    assert all(said != "Reading a.txt" for one in seen for said in [one["b.txt"]])
