"""ZIP archives: files with safe names, and what must not be unpacked."""

import stat
import zipfile

import pytest
from made_documents import make_zip, small_docx

from rag_backend.parse import parse
from rag_backend.parse.archive import members, unpack
from workbench.errors import DocumentError


def listed(tmp_path, content, name="a.zip"):
    path = tmp_path / "upload"
    path.write_bytes(content)
    return list(members(path, name))


def refused(tmp_path, content):
    """Return the names of an archive's files, each with why it was refused."""
    path = tmp_path / "upload"
    path.write_bytes(content)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    found = unpack(path, "a.zip", folder)
    # Nothing is written elsewhere, and nothing of what was refused.
    assert len(list(folder.iterdir())) == [reason for _, reason in found].count(None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["unpacked", "upload"]
    return found


def test_members_are_documents_named_by_archive_and_path(tmp_path):
    archive = make_zip(
        {
            "guide/a.md": "# Kites\n\nThey fly.",
            "b\\c.docx": small_docx(),
            "guide/": "",
            ".git/x.md": "x",
            "__MACOSX/guide/a.md": "x",
            "_draft.md": "x",
            "_sources/a.md": "x",
            "日本/本.txt": "テキスト",
        }
    )
    found = {member.name: member for member in listed(tmp_path, archive)}
    left_out = found.pop("a.zip/_sources/a.md").refusal
    assert "in a folder whose name begins with _" in left_out
    guide, *others = found
    assert guide == "a.zip/guide/a.md"
    assert others == ["a.zip/b/c.docx", "a.zip/_draft.md", "a.zip/日本/本.txt"]
    assert [member.refusal for member in found.values()] == [None] * 4
    path = tmp_path / "member"
    path.write_bytes(found["a.zip/guide/a.md"].data)
    (block,) = parse(path, "a.zip/guide/a.md").blocks
    assert (block.headings, block.text) == (("Kites",), "They fly.")


@pytest.mark.parametrize(
    "path", ["../a.md", "x/../../a.md", "/etc/a.md", "C:\\a.md", "..\\..\\a.md", "c:a.md"]
)
def test_paths_that_lead_out_are_refused_and_others_go_on(tmp_path, path):
    (bad, reason), good = refused(tmp_path, make_zip({path: "x", "good.md": "y"}))
    assert bad in reason
    assert "leads out of the archive" in reason
    assert good == ("a.zip/good.md", None)


def test_members_that_are_no_documents_are_refused_with_their_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.archive.MAX_FILE_BYTES", 3_000_000)
    link = zipfile.ZipInfo("link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "made"
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        for name in ("twice.md", "twice.md", "program.exe", "inner.zip", "inner.tar.gz"):
            archive.writestr(name, "x")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.txt", bytes(2_000_000), zipfile.ZIP_DEFLATED)
        archive.writestr("large.txt", bytes(4_000_000), zipfile.ZIP_DEFLATED)
        archive.writestr("odd.txt", "x" * 100, zipfile.ZIP_LZMA)
        archive.writestr("broken.txt", "The original text.")
    data = path.read_bytes().replace(b"The original text.", b"The falsified text")
    path.unlink()
    first, *found = refused(tmp_path, data)
    assert first == ("a.zip/twice.md", None)
    expected = {
        "a.zip/twice.md": "holds it twice",
        "a.zip/program.exe": "files of type .exe are not supported",
        "a.zip/inner.zip": "an archive inside an archive",
        "a.zip/inner.tar.gz": "an archive inside an archive",
        "a.zip/link.md": "it is a link",
        "a.zip/bomb.txt": "more than 200 times its size",
        "a.zip/large.txt": "is larger than",
        "a.zip/odd.txt": "packed by method 14",
        "a.zip/broken.txt": "seems damaged",
    }
    assert [name for name, _ in found] == list(expected)
    for name, reason in found:
        assert name in reason
        assert expected[name] in reason


def with_password(data):
    """Set the flag that says "encrypted" in each entry of an archive."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + offset] |= 1
            place = changed.find(mark, place + 4)
    return bytes(changed)


def test_archives_that_can_not_be_used_are_refused(tmp_path, monkeypatch):
    def reason(content):
        with pytest.raises(DocumentError) as caught:
            listed(tmp_path, content)
        assert "a.zip" in str(caught.value)
        return str(caught.value)

    whole = make_zip({"a.md": "x" * 1000, "b.md": "y"})
    assert "protected by a password" in reason(with_password(whole))
    assert "seems damaged" in reason(whole[:60])
    assert "no files in it" in reason(make_zip({"folder/": ""}))
    assert "it is a PDF" in reason(b"%PDF-1.4\n")
    assert "is empty" in reason(b"")
    assert "has 1,001 files" in reason(make_zip({f"{n}.md": "x" for n in range(1001)}))


def test_archive_that_unpacks_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.archive.MAX_UNPACKED_BYTES", 1000)
    path = tmp_path / "upload"
    path.write_bytes(make_zip({"a.md": "x" * 600, "b.md": "y" * 600}))
    with pytest.raises(DocumentError, match=r"a\.zip unpacks to more than 0 MB"):
        unpack(path, "a.zip", tmp_path)
