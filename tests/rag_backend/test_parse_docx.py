"""DOCX: what Word shows, and the containers that must not be opened."""

import io
import struct
import zipfile

import docx
from made_documents import read, refusal, repacked, saved, small_docx, texts

from workbench.values import Block


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
    found = read(tmp_path, "a.docx", saved(document))
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
    data = saved(document)
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
