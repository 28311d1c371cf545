"""Plain text, CSV, and the refusals that concern every format."""

import csv
import re

import docx
import pptx
import pytest
from made_documents import (
    column,
    make_epub,
    make_pdf,
    make_xlsx,
    read,
    refusal,
    saved,
    saved_image,
    texts,
)
from PIL import Image

from rag_backend.parse import SUPPORTED, limits
from rag_backend.parse.file import parse_file
from workbench.errors import DocumentError
from workbench.values import ParsedDocument


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
        content = saved(document)
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


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp932", "有給休暇は二十五日です。"),
        ("cp932", "カタログはサービスセンターで入手できます。"),
        ("euc_jp", "全社員には、年間二十五日の有給休暇が与えられます。申請は二週間前までです。"),
        ("gb18030", "员工每年享有二十五天年假。申请须在休假前两周提交。"),
        ("big5", "員工每年享有二十五天年假。申請須在休假前兩週提交。"),
        ("euc_kr", "직원은 매년 이십오 일의 연차 휴가를 받습니다."),
        ("cp1251", "Отпуск двадцать пять дней."),
        ("koi8_r", "Сотрудникам предоставляется ежегодный отпуск продолжительностью 25 дней."),
        ("cp1253", "Οι εργαζόμενοι δικαιούνται είκοσι πέντε ημέρες ετήσιας άδειας."),
        ("cp1255", "העובדים זכאים לעשרים וחמישה ימי חופשה בשנה."),
        ("cp1256", "يحق للموظفين الحصول على خمسة وعشرين يوما من الإجازة السنوية."),
        *(
            ("cp1252", text)
            for text in (
                "café",
                "été",
                "ÄÖÜ",
                "Price: £5",
                "El niño comió una manzana en el jardín.",
                "São Paulo é uma cidade",
                "Smørrebrød på Ærø",
                "Öll börn á Íslandi læra að lesa og skrifa, þótt það sé stundum erfitt.",
                "It’s a “quoted” sentence – with a dash.",
                "5 € – 6 € – 7 € – 8 € – 9 € – 10 € – ½ £ • § 5 • § 6 • § 7",
            )
        ),
    ],
)
def test_text_in_old_encodings(tmp_path, encoding, text):
    assert texts(read(tmp_path, "a.txt", text.encode(encoding))) == [text]


def test_text_of_mixed_encodings(tmp_path):
    source = "Größe: Äpfel, Öl".encode() + "\n\ncafé – naïve".encode("cp1252")
    assert texts(read(tmp_path, "a.txt", source)) == ["Größe: Äpfel, Öl", "café – naïve"]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.docx", "a.xlsx"])
def test_text_in_right_to_left_and_chinese_letters(tmp_path, name):
    lines = ["שלום, עולם", "مرحبا بالعالم", "你好，世界"]
    if name == "a.docx":
        document = docx.Document()
        for line in lines:
            document.add_paragraph(line)
        content = saved(document)
    elif name == "a.xlsx":
        content = make_xlsx({"A": [[line] for line in lines]})
    elif name == "a.html":
        content = "".join(f"<p dir=rtl>{line}</p>" for line in lines)
    else:
        content = ("x\n" if name == "a.csv" else "") + "\n\n".join(lines)
    found = [text.removeprefix("x: ") for text in texts(read(tmp_path, name, content))]
    assert found == lines


def test_text_without_control_characters_but_with_unicode(tmp_path):
    source = "a\x07b\u00adc\u200bd \ufb01le 日本 👩\u200d🚀 \u00a0 x".encode()
    assert texts(read(tmp_path, "a.txt", source)) == ["abcd file 日本 👩\u200d🚀 x"]


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
    csv.field_size_limit(131_072)  # as in a fresh process
    long = "word " * 60_000
    assert texts(read(tmp_path, "e.csv", f"a,b\n1,{long}")) == [f"a: 1; b: {long.strip()}"]
    long = "word " * 30_000
    assert texts(read(tmp_path, "f.csv", f"{long},b\n1,2")) == [f"{long.strip()}: 1; b: 2"]


def test_csv_unusable_tables_are_refused(tmp_path):
    assert "no rows under it" in refusal(tmp_path, "a.csv", "name,price\n")
    assert "no header row" in refusal(tmp_path, "b.csv", "1,2\n3,4\n")
    assert "never closed" in refusal(tmp_path, "c.csv", 'a,b\n1,"2\n3,4\n')


@pytest.mark.parametrize("extension", SUPPORTED)
def test_empty_and_blank_files(tmp_path, extension):
    assert "is empty" in refusal(tmp_path, f"a{extension}", b"")
    blank = {
        ".pdf": make_pdf([[]]),
        ".docx": saved(docx.Document()),
        ".pptx": saved(pptx.Presentation()),
        ".xlsx": make_xlsx({"A": []}),
        ".epub": make_epub({"a.xhtml": "<p> </p>"}, title=""),
        ".json": b"{}",
        ".png": saved_image(Image.new("L", (40, 30), "white"), "PNG"),
        ".jpg": saved_image(Image.new("L", (40, 30), "white"), "JPEG"),
        ".jpeg": saved_image(Image.new("L", (40, 30), "white"), "JPEG"),
    }.get(extension, b" \n\n")
    assert re.search("has no text|no text was found", refusal(tmp_path, f"a{extension}", blank))


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
        ("a.json", b"<!doctype html><p>404</p>", "a web page"),
        ("a.py", b"\x7fELF" + bytes(50), "a program"),
        ("a.epub", b"just words", "its content is something else"),
    ],
)
def test_content_that_is_not_what_the_name_says(tmp_path, name, content, expected):
    assert expected in refusal(tmp_path, name, content)


def test_unsupported_names(tmp_path):
    for name in ["a.doc", "noextension"]:
        message = refusal(tmp_path, name, b"x")
        assert all(extension in message for extension in SUPPORTED)


def test_missing_and_too_large_files(tmp_path, monkeypatch):
    with pytest.raises(DocumentError, match=r"a\.txt could not be opened"):
        parse_file(tmp_path / "none", "a.txt")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(limits.MAX_FILE_BYTES + 1)
    with pytest.raises(DocumentError, match="larger than 50 MB"):
        parse_file(tmp_path / "large", "a.txt")
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
