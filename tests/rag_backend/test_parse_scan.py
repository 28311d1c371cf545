"""Scans and pictures: their text is recognised, in its order, on its page."""

import io

import pypdfium2
import pytest
from made_documents import column, laid_over, make_pdf, picture, read, refusal, saved_image, texts
from PIL import Image
from pypdf import PdfReader, PdfWriter, Transformation

TEXT = [
    "Staff are entitled to twenty-five days of annual leave in",
    "each calendar year, in addition to public holidays.",
    "",
    "Requests are made two weeks before the first day.",
]
JOINED = [
    "Staff are entitled to twenty-five days of annual leave in each calendar year, in addition to "
    "public holidays.",
    "Requests are made two weeks before the first day.",
]


def test_scanned_pages_are_read_between_others(tmp_path):
    writer = PdfWriter()
    for data in (
        make_pdf([column(["A page with text."]), []]),
        saved_image(picture(TEXT), "PDF"),
    ):
        for page in PdfReader(io.BytesIO(data)).pages:
            writer.add_page(page)
    buffer = io.BytesIO()
    writer.write(buffer)
    found = read(tmp_path, "a.pdf", buffer.getvalue())
    assert [(block.page, block.text) for block in found.blocks] == [
        (1, "A page with text."),
        *((3, text) for text in JOINED),
    ]
    assert (found.pages, found.scanned) == (3, 1)


@pytest.mark.parametrize(
    ("stamp", "top", "found"),
    [
        # Recognised too, and there once; its own letters count.
        ("Scanned with CamScanner", 12, [*JOINED, "Scanned with CamScanner"]),
        ("ABC-O00123 CONFIDENTIAL", 470, ["ABC-O00123 CONFIDENTIAL", *JOINED]),
    ],
)
def test_a_scan_with_a_stamp_is_read_with_it(tmp_path, stamp, top, found):
    scan = saved_image(picture(TEXT), "PDF")
    data = laid_over(scan, make_pdf([column([stamp], top=top, size=8)]))
    document = read(tmp_path, "a.pdf", data)
    assert (texts(document), document.scanned) == (found, 1)


def test_what_was_recognised_before_is_used(tmp_path):
    layer = make_pdf([[(30, 400, 9, "F1 9 Tf 3 Tr /F1", "Text of another recogniser.")]])
    document = read(tmp_path, "a.pdf", laid_over(saved_image(picture(TEXT), "PDF"), layer))
    assert (texts(document), document.scanned) == (["Text of another recogniser."], 0)


def test_text_with_pictures_is_not_recognised(tmp_path):
    ground = saved_image(picture(["Ground"]), "PDF")
    lines = [f"Line {number} stands over a picture, and is text." for number in range(8)]
    figure = laid_over(make_pdf([column(["Figure 1: a ground."])]), ground)
    for data in (laid_over(ground, make_pdf([column(lines, top=400)])), figure):
        document = read(tmp_path, "a.pdf", data)
        assert document.scanned == 0
        assert "Ground" not in " ".join(texts(document))


def test_the_picture_of_a_page_may_lie_in_strips_and_in_a_form(tmp_path):
    whole = picture(TEXT)
    writer = PdfWriter()
    page = writer.add_blank_page(432, 480)
    for top in range(0, 1000, 250):
        strip = saved_image(whole.crop((0, top, 900, top + 250)), "PDF")
        moved = Transformation().translate(0, 360 - top * 0.48)
        page.merge_transformed_page(PdfReader(io.BytesIO(strip)).pages[0], moved)
    buffer = io.BytesIO()
    writer.write(buffer)
    strips = laid_over(buffer.getvalue(), make_pdf([column(["Page 12"], top=20)]))
    made = pypdfium2.PdfDocument.new()
    form = pypdfium2.PdfDocument(strips).page_as_xobject(0, made).as_pageobject()
    form.set_matrix(pypdfium2.PdfMatrix().scale(1.2, 1.2))
    page = made.new_page(1.2 * 432, 1.2 * 480)
    page.insert_obj(form)
    page.gen_content()
    buffer = io.BytesIO()
    made.save(buffer)
    for data in (strips, buffer.getvalue()):
        document = read(tmp_path, "a.pdf", data)
        assert document.scanned == 1
        assert sorted(texts(document)) == sorted([*JOINED, "Page 12"])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG"])
def test_pictures_are_read(tmp_path, name):
    image = picture(TEXT)
    if name == "a.png":
        # Seen through, and turned by its camera.
        image = image.convert("RGBA")
        image.putalpha(image.convert("L").point(lambda shade: 255 - shade))
    data = saved_image(image, "PNG" if name == "a.png" else "JPEG")
    found = read(tmp_path, name, data)
    assert texts(found) == JOINED
    assert (found.pages, found.scanned, found.blocks[0].page) == (1, 1, 1)


def test_headings_and_two_columns(tmp_path):
    image = picture(["Handbook of the works"], letters=50)
    left = [f"Left line {n} is full of words" for n in range(1, 5)]
    right = [f"Right line {n} has as many" for n in range(1, 5)]
    for x, lines in ((50, left), (480, right)):
        column = picture(lines, letters=26).crop((50, 90, 450, 300))
        image.paste(column, (x, 300))
    found = read(tmp_path, "a.png", saved_image(image, "PNG")).blocks
    assert {block.headings for block in found} == {("Handbook of the works",)}
    words = " ".join(block.text for block in found).replace("\n", " ")
    assert words == " ".join([*left, *right])


def test_pictures_without_text_or_too_large_are_refused(tmp_path, monkeypatch):
    blank = Image.new("L", (400, 30), "white")
    assert "no text was found" in refusal(tmp_path, "a.png", saved_image(blank, "PNG"))
    assert "images without words" in refusal(tmp_path, "a.pdf", saved_image(blank, "PDF"))
    line = Image.new("1", (6000, 2))
    assert "no text was found" in refusal(tmp_path, "a.png", saved_image(line, "PNG"))
    huge = saved_image(Image.new("1", (20_000, 10_000)), "PNG")
    assert "more than 100 megapixels" in refusal(tmp_path, "a.png", huge)
    assert "it is a PNG image" in refusal(tmp_path, "a.jpg", huge)
    assert "seems damaged" in refusal(tmp_path, "a.png", saved_image(picture(TEXT), "PNG")[:2000])
    monkeypatch.setattr("rag_backend.parse.pdf.MAX_SCANNED_PAGES", 0)
    assert "has 1 scanned pages" in refusal(tmp_path, "a.pdf", saved_image(blank, "PDF"))
