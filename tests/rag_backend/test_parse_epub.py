"""EPUB: chapters in the order of the spine, and the books that must not be read."""

from made_documents import make_epub, read, refusal, repacked, texts

from workbench.values import Block

PAGE = '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html><head><title>{}</title></head>'


def test_epub_chapters_in_the_order_of_the_spine(tmp_path):
    book = make_epub(
        {
            "z%20first.xhtml": PAGE.format("One")
            + "<body><h1>First</h1><p>Once.</p></body></html>",
            "a.xhtml": PAGE.format("Second") + "<body><p>Без заголовка.</p></body></html>",
        },
        title="Tales",
    )
    # The package writes the space as a URL does.
    book = repacked(book, {"OEBPS/z first.xhtml": b"<h1>First</h1><p>Once upon a time.</p>"})
    assert read(tmp_path, "a.epub", book).blocks == (
        Block("Once upon a time.", ("Tales", "First")),
        Block("Без заголовка.", ("Tales", "Second")),
    )


def test_epub_in_right_to_left_and_chinese_letters(tmp_path):
    book = make_epub(
        {"a.xhtml": PAGE.format("x") + "<p>שלום עולם</p><p>مرحبا</p><p>你好，世界</p></html>"}
    )
    assert texts(read(tmp_path, "a.epub", book)) == ["שלום עולם", "مرحبا", "你好，世界"]


def test_epub_entity_bomb_is_refused(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    for part in ("container", "package"):
        assert "XML entities" in refusal(tmp_path, "a.epub", make_epub({}, **{part: bomb}))


def test_epub_that_is_protected_too_large_or_damaged_is_refused(tmp_path, monkeypatch):
    book = make_epub({"a.xhtml": "<p>x</p>"})
    encryption = '<e><CipherReference URI="OEBPS/{}"/></e>'
    fonts = repacked(book, {"META-INF/encryption.xml": encryption.format("font.otf").encode()})
    assert texts(read(tmp_path, "a.epub", fonts)) == ["x"]
    drm = repacked(book, {"META-INF/encryption.xml": encryption.format("a.xhtml").encode()})
    assert "protected against copying" in refusal(tmp_path, "a.epub", drm)
    assert "seems damaged" in refusal(tmp_path, "a.epub", book[:300])
    assert "seems damaged" in refusal(tmp_path, "a.epub", make_epub({}, container="<x/>"))
    monkeypatch.setattr("rag_backend.parse.unzip.MAX_UNPACKED_BYTES", 1024 * 1024)
    bomb = repacked(book, {"OEBPS/a.xhtml": b" " * 2_000_000})
    assert "unpacks to more than 1 MB" in refusal(tmp_path, "a.epub", bomb)
