"""What a file is, by its first bytes, so that a wrong extension gets a clear answer."""

import re

from workbench.errors import DocumentError

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"{\\rtf", "an RTF document"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_WEB_PAGE = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_HEAD_BYTES = 1024
_BINARY = {
    ".pdf": ("a PDF", "a PDF"),
    ".docx": ("a Word document", "a zip archive"),
    ".pptx": ("a PowerPoint presentation", "a zip archive"),
    ".xlsx": ("an Excel workbook", "a zip archive"),
    ".epub": ("an EPUB book", "a zip archive"),
    ".zip": ("a zip archive", "a zip archive"),
    ".png": ("a PNG image", "a PNG image"),
    ".jpg": ("a JPEG image", "a JPEG image"),
    ".jpeg": ("a JPEG image", "a JPEG image"),
}
"""What a file with the extension should be, and what its first bytes then say."""
_TEXT_KINDS = {
    ".csv": "a CSV table",
    ".html": "a web page",
    ".htm": "a web page",
    ".json": "a JSON file",
    ".jsonl": "a JSON Lines file",
    ".md": "a Markdown text",
    ".markdown": "a Markdown text",
    ".txt": "a text file",
}
"""All other text is source code."""
_MAY_BE_PAGES = frozenset({".html", ".htm", ".php"})
# Streams of an OLE container, and what it is when it has them.
_OLD_OFFICE = (
    ("WordDocument", "an old Word document (.doc)", ".docx"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)", ".pptx"),
    ("Workbook", "an old Excel workbook (.xls)", ".xlsx"),
)
_NEW_OFFICE = frozenset({".docx", ".pptx", ".xlsx"})


def check_content(data: bytes, extension: str, name: str) -> None:
    """Refuse a file whose content is plainly not what its extension says.

    ``extension`` is in lower case with its dot.
    """
    kind = _kind(data)
    if extension not in _BINARY:
        is_page = extension in _MAY_BE_PAGES and kind == "a web page"
        if kind is not None and not is_page:
            raise _wrong(name, _TEXT_KINDS.get(extension, "source code"), kind)
        return
    what, expected = _BINARY[extension]
    if extension in _NEW_OFFICE and kind == "an OLE container":
        # Both encrypted new documents and old documents are kept in this container.
        for stream, old, new in _OLD_OFFICE:
            if stream.encode("utf-16-le") in data:
                raise DocumentError(f"{name} is {old}: open it, save it as {new}, and add that.")
        raise DocumentError(
            f"{name} is protected by a password: remove the password and add it again."
        )
    if kind != expected:
        raise _wrong(name, what, kind)


def _kind(data: bytes) -> str | None:
    head = data[:_HEAD_BYTES]
    for magic, kind in _MAGIC:
        # Two letters alone would also begin a text: a program has binary bytes soon after.
        if head.startswith(magic) and (len(magic) > 2 or b"\0" in head):
            return kind
    if head.startswith(_OLE):
        return "an OLE container"
    if head.startswith(_ZIP):
        return "a zip archive"
    # Readers accept some bytes before the mark, such as a mail header.
    if head.startswith(b"%PDF-") or (b"%PDF-" in head and b" obj" in data):
        return "a PDF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if _WEB_PAGE.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()):
        return "a web page"
    return None


def _wrong(name: str, expected: str, found: str | None) -> DocumentError:
    what = f"it is {found}" if found else "its content is something else"
    if found == "a web page":
        what += " (often an error page that was saved in place of the file)"
    elif found == "an OLE container":
        what = "it is an old Office file"
    return DocumentError(
        f"{name} is not {expected}, although its name says so: {what}; add the right file, or give "
        "it the right extension."
    )
