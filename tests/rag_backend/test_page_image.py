"""A page is drawn with the passage marked on it, in a process that may fail."""

import io

import pytest
from made_documents import column, laid_over, make_pdf, picture, saved_image
from PIL import Image

from rag_backend.parse.page_image import page_image
from workbench.errors import DocumentError


@pytest.fixture(scope="module")
def handbook():
    from comparison.sample import FOLDER

    return FOLDER / "handbook.pdf"


def marked(data):
    """Return the share of a picture's points that are yellow, and the middle of them."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = picture.size
    points = [
        (x / width, y / height)
        for y in range(0, height, 2)
        for x in range(0, width, 2)
        if (lambda r, g, b: r > 240 and g > 200 and b < 200)(*picture.getpixel((x, y)))
    ]
    share = len(points) * 4 / (width * height)
    return share, sum(y for _, y in points) / len(points) if points else None


def test_a_sentence_is_marked_where_it_stands(handbook):
    none, _ = marked(page_image(handbook, "handbook.pdf", 2, []))
    share, height = marked(
        page_image(
            handbook, "handbook.pdf", 2, ["The managing director of Brindlecart is Nadja Orsolt."]
        )
    )
    assert none < 0.0005 < share < 0.05 and 0.1 < height < 0.9
    more, _ = marked(
        page_image(handbook, "handbook.pdf", 2, ["Site: Works; Address: Sallow Street 14"])
    )
    assert more > none
    assert marked(page_image(handbook, "handbook.pdf", 2, ["Not on this page at all."]))[0] == none


def test_a_sentence_is_marked_in_a_scan(tmp_path):
    lines = ["Staff are entitled to twenty-five days of annual", "leave in each calendar year."]
    scan = saved_image(picture([*lines, "Requests are made two weeks before."]), "PDF")
    stamp = make_pdf([column(["Scanned with CamScanner"], top=20, size=8)])
    path = tmp_path / "x"
    path.write_bytes(laid_over(scan, stamp))
    none, _ = marked(page_image(path, "x.pdf", 1, []))
    share, height = marked(page_image(path, "x.pdf", 1, [" ".join(lines)]))
    assert none < 0.0005 < share < 0.1 and 0.1 < height < 0.18
    _, both = marked(page_image(path, "x.pdf", 1, [" ".join(lines), "Scanned with CamScanner"]))
    assert height + 0.05 < both


def test_a_page_that_is_not_there_is_told(handbook):
    with pytest.raises(DocumentError, match="Page 99 of handbook.pdf can't be drawn"):
        page_image(handbook, "handbook.pdf", 99, [])


def test_what_is_no_pdf_is_told(tmp_path):
    (tmp_path / "x").write_bytes(b"text")
    with pytest.raises(DocumentError, match=r"Page 1 of x.pdf can't be drawn"):
        page_image(tmp_path / "x", "x.pdf", 1, [])
