"""Every format, every kind of bad file: what a person uploads, made here in small."""

import io
import struct
import zipfile
from pathlib import Path

import docx
import pypdf
import pytest

from rag_backend.parse import SUPPORTED, limits, parse
from workbench.errors import DocumentError
from workbench.values import Block, ParsedDocument

Piece = tuple[float, float, float, str, str]
"""Where and how a PDF shows a text: x, y, size, "F1" or "F2" (bold), text."""


def make_pdf(pages: list[list[Piece]]) -> bytes:
    """Write a PDF with Helvetica by hand, so that places and sizes are known exactly."""
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for index, pieces in enumerate(pages):
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << "
            f"/F1 3 0 R /F2 4 0 R >> >> /Contents {6 + 2 * index} 0 R >>"
        )
        shown = "\n".join(
            f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm "
            f"({text.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) Tj ET"
            for x, y, size, font, text in pieces
        )
        objects.append(f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream")
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def column(lines: list[str], top: float = 700, size: float = 11) -> list[Piece]:
    """Set lines below each other; an empty one leaves a gap between paragraphs."""
    places = []
    y = top
    for text in lines:
        if text:
            places.append((72.0, y, size, "F1", text))
        y -= size * (1.2 if text else 0.8)
    return places


def read(tmp_path: Path, name: str, content: str | bytes) -> ParsedDocument:
    path = tmp_path / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return parse(path, name)


def refusal(tmp_path: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, name, content)
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert message.endswith(".")
    return message


def texts(document: ParsedDocument) -> list[str]:
    return [block.text for block in document.blocks]


def save_docx(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def small_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph("One paragraph.")
    return save_docx(document)


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """Return the zip file with some of its parts replaced or added."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        parts = {name: old.read(name) for name in old.namelist()} | changes
        for name, content in parts.items():
            new.writestr(name, content)
    return buffer.getvalue()


PROSE = [
    "Staff are entitled to twenty-five days of annual leave in each calendar year, in",
    "addition to public holidays, and they may carry five days over with the infor-",
    "mation of their manager. Requests are made two weeks before the first day of a",
    "leave.",
]
PROSE_JOINED = (
    "Staff are entitled to twenty-five days of annual leave in each calendar year, in addition to "
    "public holidays, and they may carry five days over with the information of their manager. "
    "Requests are made two weeks before the first day of a leave."
)


# PDF


def test_pdf_joins_wrapped_lines_and_keeps_paragraphs_apart(tmp_path):
    pages = [column([*PROSE, "", "A second paragraph stands below.", "", "A third."])]
    document = read(tmp_path, "a.pdf", make_pdf(pages))
    assert texts(document) == [PROSE_JOINED, "A second paragraph stands below.", "A third."]
    assert document.pages == 1


def test_pdf_keeps_hyphen_between_two_words_of_the_document(tmp_path):
    lines = [
        "The twenty parts of the machine and the five screws that belong to it weigh twenty-",
        "five kilograms.",
    ]
    joined = " ".join(lines).replace("twenty- five", "twenty-five")
    assert texts(read(tmp_path, "a.pdf", make_pdf([column(lines)]))) == [joined]


def test_pdf_counts_pages_from_one(tmp_path):
    pages = [column([f"This page has the number word{n}."]) for n in range(1, 6)]
    document = read(tmp_path, "a.pdf", make_pdf(pages))
    assert [(b.page, b.text) for b in document.blocks] == [
        (n, f"This page has the number word{n}.") for n in range(1, 6)
    ]
    assert document.pages == 5


def test_pdf_finishes_a_sentence_on_the_page_where_it_began(tmp_path):
    pages = [
        column(["The warranty of the machine covers all parts that were not", ""]),
        column(["opened by the owner. Paint is excluded.", "", "Next paragraph."]),
    ]
    document = read(tmp_path, "a.pdf", make_pdf(pages))
    assert [(b.page, b.text) for b in document.blocks] == [
        (1, "The warranty of the machine covers all parts that were not opened by the owner."),
        (2, "Paint is excluded."),
        (2, "Next paragraph."),
    ]


def test_pdf_headings_come_from_larger_letters(tmp_path):
    pages = [
        [(72, 780, 24, "F2", "Handbook"), (72, 740, 16, "F2", "1 Leave"), *column(PROSE)],
        [(72, 740, 12, "F2", "1.1 Special"), *column(["For a wedding: two days."])],
        [(72, 740, 16, "F1", "2 Pay"), *column(["Paid monthly."])],
    ]
    document = read(tmp_path, "a.pdf", make_pdf(pages))
    assert [(b.headings, b.text) for b in document.blocks] == [
        (("Handbook", "1 Leave"), PROSE_JOINED),
        (("Handbook", "1 Leave", "1.1 Special"), "For a wedding: two days."),
        (("Handbook", "2 Pay"), "Paid monthly."),
    ]


def test_pdf_drops_running_lines_and_page_numbers_only(tmp_path):
    pages = []
    for n in range(1, 5):
        pages.append(
            [
                (72, 810, 9, "F1", "Handbook of the works"),
                *column([f"Row {n * 7} costs 5", "", f"Fact {n * 3} is known."]),
                (290, 30, 9, "F1", f"Page {n} of 4"),
                (500, 30, 9, "F1", str(n)),
            ]
        )
    found = " ".join(texts(read(tmp_path, "a.pdf", make_pdf(pages))))
    assert "Handbook" not in found
    assert "Page" not in found
    # Rows that look alike on every page are content.
    for n in range(1, 5):
        assert f"Row {n * 7} costs 5" in found
        assert f"Fact {n * 3} is known." in found


def test_pdf_scan_is_refused_for_its_images(tmp_path):
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(200, 200)
    image = pypdf.generic.StreamObject()
    image.set_data(b"\0\0\0")
    image.update(
        {
            pypdf.generic.NameObject("/Type"): pypdf.generic.NameObject("/XObject"),
            pypdf.generic.NameObject("/Subtype"): pypdf.generic.NameObject("/Image"),
        }
    )
    names = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/Im"): image})
    page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject(
        {pypdf.generic.NameObject("/XObject"): names}
    )
    buffer = io.BytesIO()
    writer.write(buffer)
    assert "has no text, only images" in refusal(tmp_path, "scan.pdf", buffer.getvalue())
    assert "has no text, only empty pages" in refusal(tmp_path, "b.pdf", make_pdf([[]]))


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_pdf_with_password_is_refused_unless_it_opens_without(tmp_path, algorithm):
    for password, opens in [("secret", False), ("", True)]:
        writer = pypdf.PdfWriter(io.BytesIO(make_pdf([column(["Readable text."])])))
        writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
        buffer = io.BytesIO()
        writer.write(buffer)
        if opens:
            assert texts(read(tmp_path, "a.pdf", buffer.getvalue())) == ["Readable text."]
        else:
            message = refusal(tmp_path, "a.pdf", buffer.getvalue())
            assert "remove the password and add it again" in message


def test_pdf_that_is_cut_off_or_damaged_is_refused(tmp_path):
    whole = make_pdf([column(PROSE)] * 20)
    assert "incomplete" in refusal(tmp_path, "a.pdf", whole[: len(whole) // 2])
    message = refusal(tmp_path, "b.pdf", b"%PDF-1.4\n" + b"junk " * 50 + b"\n%%EOF")
    assert "could not be read: the file seems damaged" in message


def test_damage_keeps_the_library_error_as_cause(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"%PDF-1.4\njunk\n%%EOF")
    with pytest.raises(DocumentError) as caught:
        parse(path, "a.pdf")
    assert isinstance(caught.value.__cause__, pypdf.errors.PyPdfError)


def test_pdf_page_limit_counts_pages_and_not_the_count_entry(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.pdf.MAX_PAGES", 3)
    pages = make_pdf([column([f"Number {n} here."]) for n in range(5)])
    for data in (pages, pages.replace(b"/Count 5", b"/Count 1")):
        assert "has 5 pages and the limit is 3" in refusal(tmp_path, "a.pdf", data)
    lying = make_pdf([column(["One page."])]).replace(b"/Count 1", b"/Count 9")
    assert read(tmp_path, "a.pdf", lying).pages == 1


# DOCX


def test_docx_headings_lists_tables_in_order(tmp_path):
    document = docx.Document()
    document.add_heading("Manual", 0)
    document.add_heading("Tools", 1)
    document.add_paragraph("You need:")
    document.add_paragraph("a hammer", style="List Bullet")
    document.add_paragraph("nails", style="List Number")
    document.add_heading("Torque", 2)
    table = document.add_table(rows=2, cols=3)
    for cell, text in zip(
        [*table.rows[0].cells, *table.rows[1].cells],
        ["Bolt", "Torque", "Note", "Axle", "34 Nm", ""],
        strict=True,
    ):
        cell.text = text
    document.add_paragraph("After the table.")
    found = read(tmp_path, "a.docx", save_docx(document))
    assert found.blocks == (
        Block("You need:", ("Manual", "Tools")),
        Block("- a hammer\n- nails", ("Manual", "Tools")),
        Block(
            "Bolt: Axle; Torque: 34 Nm",
            ("Manual", "Tools", "Torque"),
            cells=(("Bolt", "Axle"), ("Torque", "34 Nm")),
        ),
        Block("After the table.", ("Manual", "Tools", "Torque")),
    )
    assert found.pages is None


def test_docx_reads_what_python_docx_leaves_out(tmp_path):
    document = docx.Document()
    document.add_paragraph("BODY")
    data = save_docx(document)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        xml = archive.read("word/document.xml").decode()
    inserted = (
        "<w:p><w:ins><w:r><w:t>INSERTED</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>DELETED</w:delText></w:r></w:del></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>CONTROL</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:r><w:t>OUTER</w:t><w:txbxContent><w:p><w:r><w:t>BOX</w:t></w:r></w:p>"
        "</w:txbxContent></w:r></w:p>"
    )
    xml = xml.replace("<w:sectPr", inserted + "<w:sectPr", 1)
    found = read(tmp_path, "a.docx", repacked(data, {"word/document.xml": xml.encode()}))
    assert texts(found) == ["BODY", "INSERTED", "CONTROL", "OUTER", "BOX"]


def test_docx_entity_bomb_is_refused(tmp_path):
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
        + b"]><x>&a11;</x>"
    )
    data = repacked(small_docx(), {"word/document.xml": bomb})
    assert "XML entities" in refusal(tmp_path, "a.docx", data)


def test_docx_that_unpacks_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.unzip.MAX_UNPACKED_BYTES", 1024 * 1024)
    bomb = repacked(small_docx(), {"word/media/a.png": bytes(3 * 1024 * 1024)})
    assert len(bomb) < 100_000
    assert "unpacks to more than 1 MB" in refusal(tmp_path, "a.docx", bomb)
    # The directory at the end of the file claims that the picture has ten bytes.
    place = bomb.rindex(b"word/media/a.png") - 46
    assert bomb[place : place + 4] == b"PK\x01\x02"
    liar = bytearray(bomb)
    liar[place + 24 : place + 28] = struct.pack("<L", 10)
    refusal(tmp_path, "a.docx", bytes(liar))


def test_docx_with_password_and_old_word_are_told_apart(tmp_path):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    encrypted = ole + "EncryptedPackage".encode("utf-16-le")
    assert "remove the password and add it again" in refusal(tmp_path, "a.docx", encrypted)
    old = ole + "WordDocument".encode("utf-16-le")
    assert "old Word document (.doc)" in refusal(tmp_path, "a.docx", old)


def test_docx_that_is_cut_off_or_another_zip_is_refused(tmp_path):
    data = small_docx()
    assert "seems damaged" in refusal(tmp_path, "a.docx", data[: len(data) // 2])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    assert "an Excel workbook" in refusal(tmp_path, "b.docx", buffer.getvalue())


# Markdown


def test_markdown_headings_lists_code_tables(tmp_path):
    source = """\
---
title: Guide
---
# Guide

Some *wrapped*
text with [a link](http://example.org) & `code`.

## Steps

1. First
2. Second
   - inner

```python
def f():

    return 1
```

| Model | Load |
|-------|------|
| Wren  | 28 kg |
| Heron | |

### Empty heading
"""
    assert read(tmp_path, "a.MD", source).blocks == (
        Block("title: Guide"),
        Block("Some wrapped text with a link & code.", ("Guide",)),
        Block("1. First\n2. Second\n  - inner", ("Guide", "Steps")),
        Block("def f():\n\n    return 1", ("Guide", "Steps")),
        Block(
            "Model: Wren; Load: 28 kg",
            ("Guide", "Steps"),
            cells=(("Model", "Wren"), ("Load", "28 kg")),
        ),
        Block("Model: Heron", ("Guide", "Steps"), cells=(("Model", "Heron"),)),
        Block("Empty heading", ("Guide", "Steps")),
    )


def test_markdown_html_and_sibling_headings(tmp_path):
    source = "# A\n## B\none\n## C\ntwo\n\n<div>shown<!-- not --></div>\n\n# D\nthree<br>four"
    found = read(tmp_path, "a.markdown", source).blocks
    assert [(b.headings, b.text) for b in found] == [
        (("A", "B"), "one"),
        (("A", "C"), "two"),
        (("A", "C"), "shown"),
        (("D",), "three\nfour"),
    ]


# HTML


def test_html_text_without_scripts_navigation_and_hidden_parts(tmp_path):
    source = """<!doctype html><html><head><title>T</title><style>x{}</style>
<script>var bad = 1;</script></head><body><nav>NAV</nav><template>TPL</template>
<noscript>NOS</noscript><p hidden>HID</p><p style="display: none">HID2</p><!-- COM -->
<h1>Top &amp; <em>more</em></h1><p>One
  two<br>three</p><ul><li>a<li>b</ul><h2>Sub</h2><pre>x = 1
  y = 2</pre>
<table><caption>Prices</caption><tr><th>Item</th><th>Price</th></tr>
<tr><td rowspan=2>Nail</td><td>1</td></tr><tr><td>2</td></tr></table>
<table><tr><th>Start</th><td>May</td></tr></table><div>End</div></body></html>"""
    found = read(tmp_path, "a.html", source).blocks
    top, sub = ("Top & more",), ("Top & more", "Sub")
    assert found == (
        Block("One two\nthree", top),
        Block("- a\n- b", top),
        Block("x = 1\n  y = 2", sub),
        Block("Prices", sub),
        Block("Item: Nail; Price: 1", sub, cells=(("Item", "Nail"), ("Price", "1"))),
        Block("Item: Nail; Price: 2", sub, cells=(("Item", "Nail"), ("Price", "2"))),
        Block("Start: May", sub, cells=(("Start", "May"),)),
        Block("End", sub),
    )


def test_html_nested_deeply_and_with_declared_encoding(tmp_path):
    deep = "<div>" * 5000 + "bottom" + "</div>" * 5000
    assert texts(read(tmp_path, "a.htm", f"<html>{deep}</html>")) == ["bottom"]
    page = '<html><meta charset="iso-8859-2"><p>łódź</p></html>'.encode("iso-8859-2")
    assert texts(read(tmp_path, "b.html", page)) == ["łódź"]


# Text


def test_text_headings_paragraphs_and_lists(tmp_path):
    source = """\
Handbook
========

Leave
-----
Staff are entitled to twenty-five days of annual leave
in each calendar year.

- one
- two

SPECIAL LEAVE

For a wedding.

Pay
---
Monthly.
"""
    assert [(b.headings, b.text) for b in read(tmp_path, "a.txt", source).blocks] == [
        (
            ("Handbook", "Leave"),
            "Staff are entitled to twenty-five days of annual leave in each calendar year.",
        ),
        (("Handbook", "Leave"), "- one\n- two"),
        (("Handbook", "Leave", "SPECIAL LEAVE"), "For a wedding."),
        (("Handbook", "Pay"), "Monthly."),
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.docx", "a.pdf"])
def test_question_and_answer_stay_in_one_block(tmp_path, name):
    pairs = [("Q: When?", "A: At noon."), ("Question: Where?", "Answer: Here.")]
    lines = [line for pair in pairs for line in pair]
    if name == "a.docx":
        document = docx.Document()
        for line in lines:
            document.add_paragraph(line)
        content = save_docx(document)
    elif name == "a.pdf":
        content = make_pdf([column(["", *[part for line in lines for part in (line, "")]])])
    elif name == "a.html":
        content = "".join(f"<p>{line}</p>" for line in lines)
    else:
        content = "\n\n".join(lines)
    assert texts(read(tmp_path, name, content)) == ["\n".join(pair) for pair in pairs]


def test_text_pairs_without_blank_lines(tmp_path):
    found = texts(read(tmp_path, "a.txt", "Q: a?\nA: b.\nQ: c?\nA: d."))
    assert found == ["Q: a?\nA: b.", "Q: c?\nA: d."]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"], ids=lambda e: e
)
def test_text_encodings(tmp_path, encoding):
    assert texts(read(tmp_path, "a.txt", "Größe: 5 €".encode(encoding))) == ["Größe: 5 €"]


def test_text_without_control_characters_but_with_unicode(tmp_path):
    source = "a\x07b\u00adc\u200bd \ufb01le 日本 👩\u200d🚀 \u00a0 x".encode()
    assert texts(read(tmp_path, "a.txt", source)) == ["abcd file 日本 👩\u200d🚀 x"]


# CSV


def test_csv_rows_with_quotes_and_ragged_ends(tmp_path):
    source = 'Name,Price,Note\r\n"Nail, long",1,"two\r\nlines"\r\nScrew\r\nBolt,3,x,extra\r\n\r\n'
    assert [b.cells for b in read(tmp_path, "a.csv", source).blocks] == [
        (("Name", "Nail, long"), ("Price", "1"), ("Note", "two lines")),
        (("Name", "Screw"),),
        (("Name", "Bolt"), ("Price", "3"), ("Note", "x"), ("column 4", "extra")),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters(tmp_path, delimiter):
    source = delimiter.join(["a", "b", "c"]) + "\n" + delimiter.join(["1.5 x", "y z", "2"])
    assert texts(read(tmp_path, "a.csv", source)) == ["a: 1.5 x; b: y z; c: 2"]


def test_csv_odd_but_usable_tables(tmp_path):
    semicolons = "a;b\n1,5;2,5\n3,5;4,5"
    assert texts(read(tmp_path, "a.csv", semicolons)) == ["a: 1,5; b: 2,5", "a: 3,5; b: 4,5"]
    assert texts(read(tmp_path, "b.csv", ",a,a\n0,x,y")) == ["column 1: 0; a: x; a (2): y"]
    assert texts(read(tmp_path, "c.csv", "note\nyes, or no")) == ["note: yes, or no"]
    assert texts(read(tmp_path, "d.csv", "sep=|\na|b\n1|2")) == ["a: 1; b: 2"]
    long = "word " * 60_000
    assert texts(read(tmp_path, "e.csv", f"a,b\n1,{long}")) == [f"a: 1; b: {long.strip()}"]


def test_csv_unusable_tables_are_refused(tmp_path):
    assert "no rows under it" in refusal(tmp_path, "a.csv", "name,price\n")
    assert "no header row" in refusal(tmp_path, "b.csv", "1,2\n3,4\n")
    assert "never closed" in refusal(tmp_path, "c.csv", 'a,b\n1,"2\n3,4\n')


# Refusals of any format


@pytest.mark.parametrize("extension", SUPPORTED)
def test_empty_and_blank_files(tmp_path, extension):
    assert "is empty" in refusal(tmp_path, f"a{extension}", b"")
    blank = {".pdf": make_pdf([[]]), ".docx": save_docx(docx.Document())}.get(extension, b" \n\n")
    assert "has no text" in refusal(tmp_path, f"a{extension}", blank)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
        ("a.docx", make_pdf([column(["x"])]), "it is a PDF"),
        ("a.txt", b"MZ\x90\0\x03" + bytes(50), "a Windows program"),
        ("a.pdf", b"<!DOCTYPE html><html>404</html>", "a web page"),
        ("a.csv", b"  <html><body>Not found</body></html>", "a web page"),
        ("a.pdf", b"just words", "its content is something else"),
        ("a.md", b"PK\x03\x04" + bytes(50), "a zip archive"),
        ("a.txt", b"text\0with\0nuls", "binary data"),
        ("a.txt", bytes(range(1, 32)) * 20, "binary data"),
        ("a.txt", b"\xff\xfea\x00\xd8\xd8", "damaged"),
    ],
)
def test_content_that_is_not_what_the_name_says(tmp_path, name, content, expected):
    assert expected in refusal(tmp_path, name, content)


def test_unsupported_names(tmp_path):
    for name in ["a.xlsx", "noextension"]:
        message = refusal(tmp_path, name, b"x")
        assert all(extension in message for extension in SUPPORTED)


def test_missing_and_too_large_files(tmp_path, monkeypatch):
    with pytest.raises(DocumentError, match=r"a\.txt could not be opened"):
        parse(tmp_path / "none", "a.txt")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(limits.MAX_FILE_BYTES + 1)
    with pytest.raises(DocumentError, match="larger than 50 MB"):
        parse(tmp_path / "large", "a.txt")
    monkeypatch.setattr("rag_backend.parse.outline.MAX_TEXT_CHARACTERS", 100)
    assert "more than 100 characters" in refusal(tmp_path, "a.txt", "word " * 30)
    monkeypatch.setattr("rag_backend.parse.outline.MAX_TABLE_ROWS", 3)
    assert "more than 3 table rows" in refusal(tmp_path, "a.csv", "a,b\n" + "1,2\n" * 4)


def test_memory_errors_are_not_called_damage(tmp_path, monkeypatch):
    def exhausted(data: bytes, name: str) -> ParsedDocument:
        raise MemoryError

    monkeypatch.setattr("rag_backend.parse.text.parse_text", exhausted)
    with pytest.raises(MemoryError):
        read(tmp_path, "a.txt", "words")
