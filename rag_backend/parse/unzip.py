"""The zip container of a DOCX, checked before a library opens it."""

import io
import zipfile

from rag_backend.parse.limits import MAX_UNPACKED_BYTES
from workbench.errors import DocumentError

_READ_BYTES = 1024 * 1024
_ENCRYPTED_FLAG = 0x1
_DTD = b"<!DOCTYPE"
_DOCUMENT = "word/document.xml"
_OTHERS = {"xl/": "an Excel workbook", "ppt/": "a PowerPoint presentation"}


def check_docx_container(data: bytes, name: str) -> None:
    """Unpack every part once, in small pieces, and refuse what is too large or not a DOCX."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if _DOCUMENT not in names:
            found = next(
                (
                    what
                    for folder, what in _OTHERS.items()
                    if any(n.startswith(folder) for n in names)
                ),
                "another kind of zip archive",
            )
            raise DocumentError(
                f"{name} is not a Word document, although its name says so: it is {found}; save it "
                "as .docx or .pdf and add that."
            )
        if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
            raise DocumentError(
                f"{name} is protected by a password: remove the password and add it again."
            )
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise _too_large(name)
        # The directory may lie about sizes, so what really comes out is counted too.
        unpacked = 0
        for entry in entries:
            is_xml = entry.filename.lower().endswith((".xml", ".rels"))
            tail = b""
            with archive.open(entry) as part:
                while piece := part.read(_READ_BYTES):
                    unpacked += len(piece)
                    if unpacked > MAX_UNPACKED_BYTES:
                        raise _too_large(name)
                    # Word never writes a DTD; entity bombs need one.
                    if is_xml and _DTD in (tail + piece).upper():
                        raise DocumentError(
                            f"{name} was refused because {entry.filename} in it defines XML "
                            "entities, which Word never does: save it again with Word or "
                            "LibreOffice and add that."
                        )
                    tail = piece[-len(_DTD) :]


def _too_large(name: str) -> DocumentError:
    return DocumentError(
        f"{name} unpacks to more than {MAX_UNPACKED_BYTES // 1024 // 1024} MB, which is the limit: "
        "split it, or make its pictures smaller, and add it again."
    )
