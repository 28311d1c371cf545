"""`ragtune add`, `documents`, `search` and `watch`: nothing is left out without a word."""

import json
import os
import zipfile

from comparison.lab import open_lab


def test_an_unreadable_file_does_not_stop_those_after_it(ragtune, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "alpha.txt").symlink_to(tmp_path / "nowhere.txt")
    (folder / "_zeta.txt").write_text("Kites fly.", encoding="utf-8")
    (folder / "letter.rtf").write_text("Kites", encoding="utf-8")
    os.mkfifo(folder / "pipe.txt")
    code, out, err = ragtune("add", folder, "--json")
    changes = [(row["name"].rpartition("/")[2], row["change"]) for row in json.loads(out)]
    assert changes == [
        ("alpha.txt", "refused"),
        ("pipe.txt", "refused"),
        ("_zeta.txt", "added"),
    ]
    assert code == 1 and "alpha.txt can't be read" in err and "pipe.txt is no file but" in err
    assert err.startswith("1 left out: letter.rtf (type not supported).\n")
    (tmp_path / "empty").mkdir()
    code, _, err = ragtune("add", tmp_path / "empty")
    assert code == 1 and "holds no file of a supported type" in err


def test_files_of_one_name_from_two_folders_both_stay(ragtune, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "readme.md").write_text(f"Kites of {name}.", encoding="utf-8")
    assert ragtune("add", tmp_path / "a/readme.md", tmp_path / "b/readme.md")[0] == 0
    documents = json.loads(ragtune("documents", "--json")[1])
    assert [document["name"] for document in documents] == ["a/readme.md", "b/readme.md"]


def test_what_waits_to_be_indexed_is_told(ragtune, tmp_path):
    base = open_lab(tmp_path / "home").knowledge_base
    base.incoming.put("kite.txt", b"The kite is vermilion.")
    said = "No documents yet: 1 file waits to be indexed. `ragtune add` does it"
    assert said in ragtune("documents")[1]
    assert said in ragtune("search", "Which kite?")[2]
    assert said in ragtune("ask", "Which kite?", "--methods", "rag")[2]
    assert ragtune("add")[1] == "added     kite.txt  1 passages\n"
    assert "Nothing waits to be indexed" in ragtune("add")[2]
    base.database.close()


def test_a_search_in_what_is_not_there_says_what_is(ragtune, handbook):
    ragtune("add", handbook)
    for command in (("search", "leave"), ("ask", "leave", "--methods", "rag")):
        code, _, err = ragtune(*command, "--document", "x.md")
        assert code == 1
        assert err == "ragtune: There is no document 'x.md'. Documents: handbook.md.\n"
        code, _, err = ragtune(*command, "--type", "pdf")
        assert (code, err) == (1, "ragtune: There is no document of type .pdf. Types: .md.\n")
    assert ragtune("search", "leave", "--since", "2999-01-01") == (0, "Nothing found.\n", "")


def test_a_watched_folders_trouble_is_told_when_it_changes(ragtune, tmp_path, monkeypatch):
    folder, waits = tmp_path / "docs", []
    folder.mkdir()
    (folder / "a.rtf").write_text("Kites", encoding="utf-8")

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            (folder / "b.rtf").write_text("Kites", encoding="utf-8")
        if len(waits) == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr("commands.documents.time.sleep", wait)
    err = ragtune("watch", folder)[2]
    assert [line for line in err.splitlines() if "left out" in line] == [
        "ragtune: 1 left out: a.rtf (type not supported).",
        "ragtune: 2 left out: a.rtf (type not supported), b.rtf (type not supported).",
    ]


def test_passages_are_previewed_and_nothing_is_added(ragtune, handbook, tmp_path):
    (tmp_path / "broken.pdf").write_bytes(b"no PDF")
    code, out, err = ragtune("add", "--preview", handbook, tmp_path / "broken.pdf")
    assert code == 1 and err.count("\n") == 1 and "broken.pdf is not a PDF" in err
    assert "── handbook.md: 2 passages\n[1] " in out and " tokens › Workshop\n" in out
    assert "    The workshop opens at 6:40 and closes at 17:20.\n" in out
    (file,) = json.loads(ragtune("add", "--preview", handbook, "--json")[1])
    assert [one["headings"] for one in file["passages"]] == [["Leave"], ["Workshop"]]
    assert all(one["tokens"] > 5 for one in file["passages"])
    assert json.loads(ragtune("documents", "--json")[1]) == []
    assert ragtune("add", "--preview")[0] == 1


def test_passages_that_say_almost_the_same_are_found(ragtune, tmp_path):
    assert ragtune("duplicates")[:2] == (0, "No two passages say almost the same.\n")
    said = "The workshop of Marlow Kites opens at 6:40 in the morning and closes at 17:20."
    (tmp_path / "a.txt").write_text(said, encoding="utf-8")
    (tmp_path / "b.txt").write_text(said.replace("in the morning ", ""), encoding="utf-8")
    ragtune("add", tmp_path / "a.txt", tmp_path / "b.txt")
    (pair,) = json.loads(ragtune("duplicates", "--json")[1])
    assert pair["documents"] == ["a.txt", "b.txt"] and 0.7 < pair["shared"] < 1
    out = ragtune("duplicates")[1]
    assert "of the words are shared\n  a.txt\n    The workshop" in out and "\n  b.txt\n" in out


def test_an_archive_is_removed_with_all_that_it_held(ragtune, tmp_path):
    pack = tmp_path / "pack.zip"
    with zipfile.ZipFile(pack, "w") as archive:
        for name in ("a.md", "b/c.md"):
            archive.writestr(name, f"Kites of {name}.")
    (tmp_path / "package.md").write_text("Kites.", encoding="utf-8")
    assert ragtune("add", pack, tmp_path / "package.md")[0] == 0
    code, _, err = ragtune("remove", "pack.zip", "pack")
    assert code == 1 and "There is no document 'pack'." in err
    # Named twice, it is told once.
    assert ragtune("remove", "pack.zip", "pack.zip/a.md")[1].splitlines() == [
        "removed   pack.zip/a.md",
        "removed   pack.zip/b/c.md",
    ]
    assert json.loads(ragtune("remove", "package.md", "--json")[1]) == {"removed": ["package.md"]}
