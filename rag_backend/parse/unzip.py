"""Office documents and books are zip archives, checked before a library opens them."""

import io
import zipfile
from pathlib import PurePath

from rag_backend.parse.limits import MAX_UNPACKED_BYTES
from workbench.errors import DocumentError

ENCRYPTED_FLAG = 0x1
_READ_BYTES = 1024 * 1024
_DTD = b"<!DOCTYPE"
# The part that each kind must have.
_KINDS = {
    "word/document.xml": ("a Word document", ".docx"),
    "ppt/presentation.xml": ("a PowerPoint presentation", ".pptx"),
    "xl/workbook.xml": ("an Excel workbook", ".xlsx"),
    "META-INF/container.xml": ("an EPUB book", ".epub"),
}


def check_container(data: bytes, name: str, expected: str) -> None:
    """Unpack every part once, in small pieces, and refuse what is too large or another kind.

    ``expected`` is the extension of the kind that it should be. In an Office document no part may
    define XML entities; the chapters of a book are web pages, which have a DTD and are not read
    as XML.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _check_kind({entry.filename for entry in entries}, name, expected)
        if any(entry.flag_bits & ENCRYPTED_FLAG for entry in entries):
            raise DocumentError(
                f"{name} is protected by a password: remove the password and add it again."
            )
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise _too_large(name)
        # The directory may lie about sizes, so what really comes out is counted too.
        unpacked = 0
        for entry in entries:
            is_xml = PurePath(entry.filename.lower()).suffix in {".xml", ".rels", ".vml"}
            tail = b""
            with archive.open(entry) as part:
                while piece := part.read(_READ_BYTES):
                    unpacked += len(piece)
                    if unpacked > MAX_UNPACKED_BYTES:
                        raise _too_large(name)
                    if is_xml and expected != ".epub":
                        # Without its zero bytes, UTF-16 reads like ASCII.
                        text = tail + piece.replace(b"\0", b"")
                        # Office never writes a DTD; entity bombs need one.
                        if _DTD in text.upper():
                            raise DocumentError(
                                f"{name} was refused because {entry.filename} in it defines XML "
                                "entities, which Office never does: save it again with Microsoft "
                                "Office or LibreOffice and add that."
                            )
                        tail = text[-len(_DTD) :]


def _check_kind(parts: set[str], name: str, expected: str) -> None:
    found = {extension: what for part, (what, extension) in _KINDS.items() if part in parts}
    if expected not in found:
        what = next(iter(found.values()), "another kind of zip archive")
        should_be = next(what for what, extension in _KINDS.values() if extension == expected)
        raise DocumentError(
            f"{name} is not {should_be}, although its name says so: it is {what}; give it the "
            f"right extension, or save it as {expected}, and add that."
        )


def _too_large(name: str) -> DocumentError:
    return DocumentError(
        f"{name} unpacks to more than {MAX_UNPACKED_BYTES // 1024 // 1024} MB, which is the limit: "
        "split it, or make its pictures smaller, and add it again."
    )
