"""Scans and pictures: their text is recognised, in its order, on its page."""

import io

import pytest
from made_documents import column, make_pdf, picture, read, refusal, saved_image, texts
from PIL import Image
from pypdf import PdfReader, PdfWriter

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
