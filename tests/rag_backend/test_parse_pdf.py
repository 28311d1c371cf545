"""PDF: lines to paragraphs, headings, tables and pages, and what is refused."""

import io
import zlib

import pypdf
import pytest
from made_documents import column, make_pdf, read, refusal, texts

from rag_backend.parse.file import parse_file
from workbench.errors import DocumentError

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


def test_pdf_tables_become_rows_with_their_column_names(tmp_path):
    shown = [
        (72, 760, 11, "F1", "Shifts are planned two weeks ahead."),
        (80, 720, 10, "F2", "Shift"),
        (180, 720, 10, "F2", "Begins"),
        (300, 720, 10, "F2", "Breaks"),
        # The short cells are centred beside one of two lines.
        (80, 694, 10, "F1", "Early shift"),
        (180, 694, 10, "F1", "6:15"),
        (300, 700, 10, "F1", "20 minutes at 8:30,"),
        (300, 688, 10, "F1", "30 minutes at 11:30"),
        (80, 660, 10, "F1", "Late shift"),
        (180, 660, 10, "F1", "9:00"),
        (80, 620, 11, "F1", "Shifts may be swapped."),
    ]
    blocks = read(tmp_path, "a.pdf", make_pdf([shown])).blocks
    assert [(block.text, len(block.cells)) for block in blocks] == [
        ("Shifts are planned two weeks ahead.", 0),
        ("Shift: Early shift; Begins: 6:15; Breaks: 20 minutes at 8:30, 30 minutes at 11:30", 3),
        ("Shift: Late shift; Begins: 9:00", 2),
        ("Shifts may be swapped.", 0),
    ]


@pytest.mark.parametrize("head", ["F1", "F2"])
@pytest.mark.parametrize(
    "places",
    [
        # Where "Price", "1,299.00", "899.50", "99.00" begin, and the column after them, in 10-point
        # letters: at the right of 300 and 400, and centred there.
        [(276.1, 372.8), (261.1, 388.9), (269.4, 383.3), (275.0, 394.4)],
        [(288.0, 386.4), (280.5, 394.4), (284.7, 391.7), (287.5, 397.2)],
    ],
)
def test_pdf_tables_may_be_plain_and_their_figures_to_the_right(tmp_path, head, places):
    rows = [
        ("Model", "Price", "Stock"),
        ("Aspen bicycle", "1,299.00", "14"),
        ("Glenmoor", "899.50", "120"),
        ("Child's trailer, with lamp", "99.00", "7"),
    ]
    shown = [
        (x, 720 - 16 * number, 10, "F1" if number else head, cell)
        for number, (row, beside) in enumerate(zip(rows, places, strict=True))
        for x, cell in zip((80, *beside), row, strict=True)
    ]
    shown += column(["All prices with tax."], top=640)
    assert texts(read(tmp_path, "a.pdf", make_pdf([shown]))) == [
        *(f"Model: {model}; Price: {price}; Stock: {stock}" for model, price, stock in rows[1:]),
        "All prices with tax.",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        # Two columns of text, drawn line by line; lists; a form; a table of contents.
        [(line, 330, other) for line, other in zip(PROSE, reversed(PROSE), strict=True)],
        [("-", 90, line) for line in PROSE],
        [(f"{number}.", 95, line) for number, line in enumerate(PROSE, start=1)],
        [("Name", 200, "Brindlecart"), ("Phone", 200, "030 123"), ("Mail", 200, "a@b.c")] * 2,
        [("Name:", 200, "Brindlecart"), *[("Phone:", 200, "030 123")] * 4],
        [("Introduction", 480, "3"), ("Methods", 480, "7"), *[("Results", 480, "12")] * 3],
    ],
)
def test_pdf_text_beside_text_is_no_table(tmp_path, rows):
    shown = [
        piece
        for number, (left, x, right) in enumerate(rows)
        for piece in (
            (72, 700 - 14 * number, 9, "F1", left[:50]),
            (x, 700 - 14 * number, 9, "F1", right[:50]),
        )
    ]
    document = read(tmp_path, "a.pdf", make_pdf([shown]))
    assert not any(block.cells for block in document.blocks)


def test_pdf_words_set_one_by_one_are_no_table(tmp_path):
    shown = []
    for number, line in enumerate(PROSE * 2):
        x = 72.0
        for place, word in enumerate(line.split()):
            shown.append((x, 700 - 13 * number, 11, "F2" if place == number else "F1", word))
            x += 6.1 * len(word) + 6
    document = read(tmp_path, "a.pdf", make_pdf([shown]))
    assert not any(block.cells for block in document.blocks)


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


def test_pdf_drops_headers_that_change_with_the_chapter(tmp_path):
    chapters = ["Leave", "Leave", "Pay", "Safety"]
    pages = [
        [(72, 810, 9, "F1", f"{chapter} of staff {n + 3}"), *column([f"Fact {n * 5} is known."])]
        for n, chapter in enumerate(chapters, start=1)
    ]
    found = texts(read(tmp_path, "a.pdf", make_pdf(pages)))
    assert found == [f"Fact {n * 5} is known." for n in range(1, 5)]


def test_pdf_of_empty_pages_or_broken_images_is_refused(tmp_path):
    assert "has no text, only empty pages" in refusal(tmp_path, "b.pdf", make_pdf([[], []]))
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
    assert "only images without words" in refusal(tmp_path, "scan.pdf", buffer.getvalue())


def test_pdf_in_chinese_letters(tmp_path):
    # A composite font whose codes are the letters themselves, as the map to Unicode says.
    text = "你好，世界"
    codes = text.encode("utf-16-be").hex()
    data = make_pdf([column(["x"])]).decode("cp1252")
    data = data.replace("(x) Tj", f"<{codes}> Tj").replace(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /UniGB-UCS2-H /DescendantFonts "
        "[<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Song /DW 1000 /CIDSystemInfo "
        "<< /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>] >>",
    )
    assert texts(read(tmp_path, "a.pdf", data.encode("cp1252"))) == [text]


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
        parse_file(path, "a.pdf")
    assert isinstance(caught.value.__cause__, pypdf.errors.PyPdfError)


def test_pdf_page_limit_counts_pages_and_not_the_count_entry(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_backend.parse.pdf.MAX_PAGES", 3)
    pages = make_pdf([column([f"Number {n} here."]) for n in range(5)])
    for data in (pages, pages.replace(b"/Count 5", b"/Count 1")):
        assert "has more than 3 pages, which is the limit" in refusal(tmp_path, "a.pdf", data)
    lying = make_pdf([column(["One page."])]).replace(b"/Count 1", b"/Count 9")
    assert read(tmp_path, "a.pdf", lying).pages == 1


def test_pdf_whose_few_nodes_make_a_million_pages_is_refused(tmp_path):
    kids = "/Kids [3 0 R" + " 3 0 R" * 999 + "]"
    data = make_pdf([column(["One page."])])
    data = data.replace(b"/Count 1 /Kids [5 0 R]", f"/Count 1000000 {kids}".encode())
    data = data.replace(
        b"3 0 obj\n<< /Type /Font",
        f"3 0 obj\n<< /Type /Pages {kids.replace('3 0', '5 0')} >>\nendobj\n9 0 obj\n<<".encode(),
    )
    assert "has more than 2,000 pages" in refusal(tmp_path, "a.pdf", data)


def test_pdf_whose_page_tree_is_a_ring_is_refused(tmp_path):
    data = make_pdf([column(["One page."])]).replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]")
    assert "seems damaged" in refusal(tmp_path, "a.pdf", data)


def test_pdf_whose_text_unpacks_to_gigabytes_is_refused(tmp_path):
    writer = pypdf.PdfWriter(io.BytesIO(make_pdf([column(["One page."])])))
    stream = pypdf.generic.StreamObject()
    stream.set_data(zlib.compress(zlib.compress(b" " * 80_000_000)))
    flate = pypdf.generic.NameObject("/FlateDecode")
    stream[pypdf.generic.NameObject("/Filter")] = pypdf.generic.ArrayObject([flate, flate])
    writer.pages[0][pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    buffer = io.BytesIO()
    writer.write(buffer)
    assert len(buffer.getvalue()) < 10_000
    assert "unpacks to far more than a PDF needs" in refusal(tmp_path, "a.pdf", buffer.getvalue())
