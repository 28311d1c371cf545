"""PPTX and XLSX: what a person sees, and the files that must not be opened."""

import datetime
import io
import re
import zipfile

import openpyxl
import pptx
import pytest
from made_documents import (
    make_xlsx,
    make_zip,
    read,
    refusal,
    repacked,
    saved,
    small_docx,
    small_pptx,
    texts,
)
from pptx.util import Inches

from workbench.values import Block

SMALL = {
    ".docx": (small_docx, "word/document.xml"),
    ".pptx": (small_pptx, "ppt/slides/slide1.xml"),
    ".xlsx": (lambda: make_xlsx({"A": [["a", "b"], ["c", "d"]]}), "xl/worksheets/sheet1.xml"),
}


def test_pptx_slides_are_pages_with_titles_lists_tables_and_notes(tmp_path):
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Leave"
    slide.placeholders[1].text = "Ask early"
    inner = slide.placeholders[1].text_frame.add_paragraph()
    inner.text, inner.level = "two weeks", 1
    slide.notes_slide.notes_text_frame.text = "Smile."
    presentation.slides.add_slide(presentation.slide_layouts[6])  # an empty one
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Prices"
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(1)).table
    for place, text in enumerate(["Item", "Price", "Nail", "1 €"]):
        table.cell(place // 2, place % 2).text = text
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 100, 100).text_frame.text = "In a group."
    found = read(tmp_path, "a.pptx", saved(presentation))
    assert found.blocks == (
        Block("- Ask early\n  - two weeks", ("Leave",), 1),
        Block("Smile.", ("Leave", "Notes"), 1),
        Block("Item: Nail; Price: 1 €", ("Prices",), 3, (("Item", "Nail"), ("Price", "1 €"))),
        Block("In a group.", ("Prices",), 3),
    )
    assert found.pages == 3


def test_xlsx_sheets_titles_headers_and_blank_rows(tmp_path):
    rows = [
        ["Sales of the year"],
        ["Item", "Pieces", None, "Note"],
        ["Nail", 12, None, "long"],
        ["Bolt", 3.5],
        [],
        ["Screw", 7],
        [],
        ["Checked by:", "Ida"],
        ["Date:", datetime.date(2026, 5, 31)],
        [],
        ["A remark."],
    ]
    found = read(tmp_path, "a.xlsx", make_xlsx({"Shop": rows, "Empty": []})).blocks
    assert [(block.headings, block.text) for block in found] == [
        (("Shop", "Sales of the year"), "Item: Nail; Pieces: 12; Note: long"),
        (("Shop", "Sales of the year"), "Item: Bolt; Pieces: 3.5"),
        (("Shop", "Sales of the year"), "Item: Screw; Pieces: 7"),
        (("Shop", "Sales of the year"), "Checked by: Ida"),
        (("Shop", "Sales of the year"), "Date: 2026-05-31"),
        (("Shop", "Sales of the year"), "A remark."),
    ]
    assert found[0].cells == (("Item", "Nail"), ("Pieces", "12"), ("Note", "long"))


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (0.1 + 0.2, "General", "0.3"),
        (5.0, "General", "5"),
        (1234.5, '#,##0.00 "kg"', "1234.50 kg"),
        (19.9, "[$€-407] #,##0.00;[Red]-#,##0.00", "€ 19.90"),
        (0.256, "0.0%", "25.6%"),
        (0.25, "# ?/?", "0.25"),
        (True, "General", "TRUE"),
        (datetime.datetime(2026, 5, 31, 14, 30), "dd/mm/yy hh:mm", "2026-05-31 14:30"),
        (datetime.datetime(2026, 5, 31), "d mmmm yyyy", "2026-05-31"),
        (datetime.time(6, 45), "h:mm", "06:45"),
        ("=1+1", "General", ""),  # saved without a value
    ],
)
def test_xlsx_values_are_read_as_a_person_does(tmp_path, value, number_format, shown):
    workbook = openpyxl.Workbook()
    for row in (["Name", "Value"], ["x", value], ["y", 1]):
        workbook.active.append(row)
    workbook.active["B2"].number_format = number_format
    block = read(tmp_path, "a.xlsx", saved(workbook)).blocks[0]
    assert dict(block.cells).get("Value", "") == shown


def test_xlsx_formulas_show_their_saved_value_and_hidden_sheets_nothing(tmp_path):
    workbook = openpyxl.Workbook()
    for row in (["n", "sum"], ["x", "=1+1"]):
        workbook.active.append(row)
    hidden = workbook.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["secret"])
    data = saved(workbook)
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        xml = re.sub(rb"</f><v ?(/|></v)>", b"</f><v>2</v>", archive.read(part))
    assert texts(read(tmp_path, "a.xlsx", repacked(data, {part: xml}))) == ["n: x; sum: 2"]


def test_xlsx_that_claims_to_be_huge_is_read_all_the_same(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = "First"
    workbook.active["XFD1048576"] = "Last"
    assert texts(read(tmp_path, "a.xlsx", saved(workbook))) == ["First", "Last"]


def test_xlsx_row_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.xlsx.MAX_TABLE_ROWS", 3)
    data = make_xlsx({"A": [["a", "b"], *([[1, 2]] * 3)]})
    assert "more than 3 rows" in refusal(tmp_path, "a.xlsx", data)


def test_pptx_slide_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.pptx.MAX_PAGES", 0)
    assert "has 1 slides and the limit is 0" in refusal(tmp_path, "a.pptx", small_pptx())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("extension", SMALL)
def test_entity_bombs_are_refused(tmp_path, extension, encoding):
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        f'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">{entities}]><x>&a11;</x>'
    )
    make, part = SMALL[extension]
    data = repacked(make(), {part: bomb.encode(encoding)})
    assert "XML entities" in refusal(tmp_path, f"a{extension}", data)


@pytest.mark.parametrize("extension", SMALL)
def test_files_that_unpack_too_large_are_refused(tmp_path, monkeypatch, extension):
    monkeypatch.setattr("rag_backend.parse.unzip.MAX_UNPACKED_BYTES", 1024 * 1024)
    make, part = SMALL[extension]
    bomb = repacked(make(), {f"{part}.png": bytes(3 * 1024 * 1024)})
    assert len(bomb) < 100_000
    assert "unpacks to more than 1 MB" in refusal(tmp_path, f"a{extension}", bomb)


@pytest.mark.parametrize("extension", SMALL)
def test_files_with_password_cut_off_or_mistaken_are_refused(tmp_path, extension):
    name = f"a{extension}"
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    encrypted = ole + "EncryptedPackage".encode("utf-16-le")
    assert "remove the password and add it again" in refusal(tmp_path, name, encrypted)
    old = ole + "Workbook".encode("utf-16-le")
    assert "an old Excel workbook (.xls): open it, save it as .xlsx" in refusal(tmp_path, name, old)
    data = SMALL[extension][0]()
    assert "seems damaged" in refusal(tmp_path, name, data[: len(data) // 2])
    assert "another kind of zip archive" in refusal(tmp_path, name, make_zip({"a.txt": "x"}))
    assert "it is a JPEG image" in refusal(tmp_path, name, b"\xff\xd8\xff" + bytes(50))


def test_one_kind_of_office_file_is_not_taken_for_another(tmp_path):
    assert "it is a PowerPoint presentation" in refusal(tmp_path, "a.xlsx", small_pptx())
    assert "it is a Word document" in refusal(tmp_path, "a.pptx", small_docx())
