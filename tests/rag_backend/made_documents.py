"""Small documents, made by hand, and the two ways in which the tests parse them.

They are parsed in the test's own process, so that a test can lower a limit; that the process of
its own does the same is tested in test_parse_reader.py.
"""

import io
import zipfile
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter

from rag_backend.parse.file import parse_file
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

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
    return parse_file(path, name)


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


def saved(document: object) -> bytes:
    """Return what a library writes for its document, workbook or presentation."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def small_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph("One paragraph.")
    return saved(document)


def small_pptx() -> bytes:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "One title"
    slide.placeholders[1].text = "One paragraph."
    return saved(presentation)


def make_xlsx(sheets: dict[str, list[list[object]]]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return saved(workbook)


def make_epub(chapters: dict[str, str], title: str = "A book", **parts: str) -> bytes:
    """Write a book whose chapters lie beside its package; ``parts`` replace what it consists of."""
    items = "".join(
        f'<item id="c{n}" href="{path}" media-type="application/xhtml+xml"/>'
        for n, path in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>'
        f"{title}</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    return make_zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": parts.get("container", container),
            "OEBPS/book.opf": parts.get("package", package),
            **{f"OEBPS/{path}": page for path, page in chapters.items()},
        }
    )


def make_zip(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def picture(lines: list[str], letters: int = 26) -> Image.Image:
    """Draw lines of text below each other, as a printed page that was photographed."""
    image = Image.new("RGB", (900, 1000), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(letters)
    for number, line in enumerate(lines):
        draw.text((60, 100 + number * letters * 1.4), line, fill="black", font=font)
    return image


def saved_image(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, resolution=150)
    return buffer.getvalue()


def laid_over(below: bytes, above: bytes) -> bytes:
    """Return the first page of a PDF with that of another on top."""
    writer = PdfWriter()
    page = writer.add_page(PdfReader(io.BytesIO(below)).pages[0])
    page.merge_page(PdfReader(io.BytesIO(above)).pages[0])
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


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
