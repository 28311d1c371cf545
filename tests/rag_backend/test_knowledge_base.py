"""Documents go in, are found, and go out again; what was reported survives a kill."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from comparison.lab import open_lab
from rag_backend.documents import check_name, files_under, left_out_sentence, named_apart
from rag_backend.search.find import find
from workbench.errors import DocumentError, RagtuneError
from workbench.settings import Settings, save_settings


def search(base, question, k):
    return find(base.index, question, Settings(retrieved=k, read=1)).sources


def test_a_document_is_found_and_removed(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    added = base.add(handbook)
    assert (added.change, added.document.name, added.document.passages) == (
        "added",
        "handbook.md",
        2,
    )
    best = search(base, "When does the workshop close?", 2)[0]
    assert (best.document, best.headings) == ("handbook.md", ("Workshop",))
    assert "17:20" in best.text and 0.3 < best.score <= 1.0
    base.remove("handbook.md")
    assert base.documents() == []
    assert not list(tiny_lab.home.uploads.iterdir())
    with pytest.raises(RagtuneError, match="no documents yet"):
        search(base, "When does the workshop close?", 2)


def test_unchanged_files_are_skipped_and_changed_ones_replaced(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    base.add(handbook)
    assert base.add(handbook).change == "unchanged"
    handbook.write_text("# Leave\n\nEveryone has 40 days of leave.\n", encoding="utf-8")
    assert base.add(handbook).change == "updated"
    assert len(base.documents()) == 1
    assert [source.text for source in search(base, "leave", 5)] == [
        "Everyone has 40 days of leave."
    ]


def test_another_process_sees_the_change(tiny_lab, handbook):
    other = open_lab(tiny_lab.home.folder)
    tiny_lab.knowledge_base.add(handbook)
    assert len(search(other.knowledge_base, "leave", 5)) == 2
    tiny_lab.knowledge_base.remove("handbook.md")
    with pytest.raises(RagtuneError, match="no documents yet"):
        search(other.knowledge_base, "leave", 5)
    other.database.close()


def test_a_refused_update_leaves_the_old_document(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    base.add(handbook)
    with pytest.raises(DocumentError):
        base.add_bytes(b"", "handbook.md")
    assert len(search(base, "leave", 5)) == 2


def test_only_what_changed_is_embedded_again(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    base.add(handbook)
    base.add_bytes(b"Kites fly.", "kites.txt")
    with tiny_lab.database.session() as session:
        before = dict(session.execute(sa.text("SELECT text, id FROM passages")).all())
    embeddings = base.index.embeddings()
    embedded = []

    def listening(texts, *rest):
        embedded.extend(texts)
        return type(embeddings).embed(embeddings, texts, *rest)

    embeddings.embed = listening
    text = handbook.read_text(encoding="utf-8").replace("31", "33")
    assert base.add_bytes(f"# News\n\nNone.\n\n{text}".encode(), "handbook.md").change == "updated"
    assert len(embedded) == 2 and all("33" in one or "None." in one for one in embedded)
    with tiny_lab.database.session() as session:
        after = dict(session.execute(sa.text("SELECT text, id FROM passages")).all())
    kept = set(before) & set(after)
    assert len(kept) == 2 and all(before[text] == after[text] for text in kept)
    assert not set(after.values()) - {before[text] for text in kept} & set(before.values())
    # Its place has moved, and the search knows all of it.
    whole = base.text("handbook.md")
    for passage in base.passages("handbook.md"):
        assert whole[passage.start : passage.end] == passage.text
    best = search(base, "How many days of leave?", 4)
    assert "33" in best[0].text and not any("31" in source.text for source in best)


def test_other_sizes_make_other_passages(tiny_lab):
    base = tiny_lab.knowledge_base
    text = " ".join(f"Kite number {n} flies very well in the wind." for n in range(30)).encode()
    many = base.add_bytes(text, "kites.txt").document.passages
    settings = dataclasses.replace(tiny_lab.settings, passage_tokens=200, overlap_tokens=0)
    save_settings(tiny_lab.home, settings)
    assert base.documents()[0].passage_tokens == 90
    base.incoming.put_again(["kites.txt"])
    (file,) = base.work()
    assert file.change == "updated"
    assert 1 < base.documents()[0].passages < many
    assert base.add_bytes(text, "kites.txt").change == "unchanged"


def test_nothing_is_left_of_a_removed_document(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    base.add_bytes(b"The zanzibarian kite is vermilion.", "secret.txt")
    base.add(handbook)
    base.remove("secret.txt")
    for file in tiny_lab.home.folder.rglob("*"):
        assert file.is_dir() or b"zanzibar" not in file.read_bytes().lower(), file
    assert [source.document for source in search(base, "zanzibarian kite", 5)] == [
        "handbook.md",
        "handbook.md",
    ]


def test_removing_waits_for_no_reader(tiny_lab, handbook):
    base, other = tiny_lab.knowledge_base, open_lab(tiny_lab.home.folder)
    base.add_bytes(b"The zanzibarian kite is vermilion.", "secret.txt")
    with other.database.session() as session:
        assert session.execute(sa.text("SELECT count(*) FROM documents")).scalar_one() == 1
        started = time.monotonic()
        base.remove("secret.txt")
        assert time.monotonic() - started < 5
    base.add(handbook)  # whoever comes next empties the log
    for file in tiny_lab.home.folder.rglob("*"):
        assert file.is_dir() or b"zanzibar" not in file.read_bytes().lower(), file
    other.database.close()


def test_the_text_of_a_removed_document_is_asked_for_in_vain(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    base.add(handbook)
    base.remove("handbook.md")
    with pytest.raises(RagtuneError, match="handbook.md is no longer among the documents"):
        base.text("handbook.md")


def test_removing_several_is_all_or_nothing(tiny_lab, handbook):
    base = tiny_lab.knowledge_base
    base.add(handbook)
    base.add_bytes(b"Kites fly.", "kites.txt")
    with pytest.raises(RagtuneError, match=r"no document 'x.txt'. Documents: handbook.md, kites"):
        base.remove("kites.txt", "x.txt")
    assert len(base.documents()) == 2
    base.remove("kites.txt", "handbook.md")
    assert base.documents() == []


KILLED = """
import os, signal, sys, pathlib
from comparison.lab import open_lab
import rag_backend.ingest.incoming, rag_backend.ingest.indexing
lab = open_lab(sys.argv[1])
lab.knowledge_base.add(pathlib.Path(sys.argv[2]))
print("reported", flush=True)
where = sys.argv[3]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
module = "incoming" if where == "write_bytes" else "indexing"
setattr(getattr(rag_backend.ingest, module), where, die)
lab.knowledge_base.add_bytes(b"# Other\\n\\nThe kite store is in Hull.", "other.md")
"""


@pytest.mark.parametrize("where", ["write_bytes", "parse", "split", "embedding_text", "add_words"])
def test_a_kill_loses_nothing_that_was_reported(tiny_lab, handbook, where):
    script = [sys.executable, "-c", KILLED, str(tiny_lab.home.folder), str(handbook), where]
    ended = subprocess.run(script, check=False, capture_output=True, text=True)
    assert ended.stdout.strip() == "reported", ended.stderr
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    base = tiny_lab.knowledge_base
    assert [document.name for document in base.documents()] == ["handbook.md"]
    assert search(base, "leave", 5)
    # What was in the line is indexed by whoever comes next; the rest is swept away.
    assert [file.change for file in base.work()] == ["added"] * (where != "write_bytes")
    base.add_bytes(b"# Other\n\nThe kite store is in Hull.", "other.md")
    assert search(base, "Where is the kite store?", 1)[0].document == "other.md"
    assert len(list(tiny_lab.home.uploads.iterdir())) == 2
    assert not base.incoming.waiting()


def test_a_folder_gives_supported_files_by_their_path(tmp_path):
    hidden = ("__MACOSX/a.md", ".git/f.md", ".DS_Store")
    for name in ("a.md", "_b.md", "b/c.txt", "b/d.exe", "_sources/e.md", *hidden):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    files, left_out = files_under(tmp_path)
    assert [name for _, name in files] == ["_b.md", "a.md", "b/c.txt"]
    assert left_out == ["_sources/ (begins with _)", "b/d.exe (type not supported)"]
    assert left_out_sentence(left_out) == f"2 left out: {left_out[0]}, {left_out[1]}."
    assert left_out_sentence(list("abcdefgh")) == "8 left out: a, b, c, d, e and 3 more."
    # Ragtune's own questions would give away their answers.
    for number, row in enumerate(
        ('{"question": "a", "answer": "b"}', '{"question": "a", "answers": []}', '{"messages": []}')
    ):
        (tmp_path / f"{number}.jsonl").write_text(row, encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"question": "a"}', encoding="utf-8")
    files, left_out = files_under(tmp_path)
    assert [name for _, name in files] == ["_b.md", "a.md", "c.jsonl", "b/c.txt"]
    assert left_out[1] == "0.jsonl (examples or an exam)"
    with pytest.raises(DocumentError, match="no file or folder"):
        files_under(tmp_path / "missing")


def test_different_files_of_one_name_are_named_apart(tmp_path):
    places = ("x/a/readme.md", "y/a/readme.md", "b/readme.md", "b/other.md")
    paths = [tmp_path / place for place in places]
    given = [(path, path.name) for path in (*paths, tmp_path / "b/../b/other.md")]
    names = [name for _, name in named_apart(given)]
    assert names == ["x/a/readme.md", "y/a/readme.md", f"{tmp_path.name}/b/readme.md", "other.md"]
    assert [name for _, name in named_apart([given[0], given[2]])] == ["a/readme.md", "b/readme.md"]


def test_a_pipe_is_not_waited_for(tiny_lab, tmp_path):
    for name in ("pipe.txt", "pipe.jsonl"):
        os.mkfifo(tmp_path / name)
    assert len(files_under(tmp_path)[0]) == 2
    with pytest.raises(DocumentError, match=r"pipe\.txt is no file but a folder, a pipe"):
        tiny_lab.knowledge_base.add(tmp_path / "pipe.txt")


def test_names_are_cleaned_and_bounded():
    assert check_name("a\x00\n<b>.md") == "a<b>.md"
    with pytest.raises(DocumentError):
        check_name("\x00")
    with pytest.raises(DocumentError):
        check_name("x" * 300 + ".md")


def test_a_hostile_name_stays_inside_the_home(tiny_lab):
    tiny_lab.knowledge_base.add_bytes(b"Some text about kites.", "../../outside.md")
    assert [d.name for d in tiny_lab.knowledge_base.documents()] == ["../../outside.md"]
    assert not list(tiny_lab.home.folder.parent.parent.glob("outside.md"))


def test_passages_can_be_looked_at_before_anything_is_kept(tiny_lab):
    base = tiny_lab.knowledge_base
    text = " ".join(f"Kite number {n} flies very well in the wind." for n in range(30)).encode()
    few = base.preview(text, "kites.txt", 200, 0)
    many = base.preview(text, "kites.txt", 40, 10)
    assert len(few) < len(many)
    assert all(0 < tokens <= 40 for _, tokens in many)
    assert base.documents() == [] and not list(tiny_lab.home.uploads.iterdir())
    with pytest.raises(DocumentError, match="not a PDF"):
        base.preview(b"x", "a.pdf", 90, 24)
    with pytest.raises(DocumentError, match="a.zip is an archive of several documents: add it"):
        base.preview(b"x", "a.zip", 90, 24)
