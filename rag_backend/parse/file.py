"""One file to its parser, in the process that calls."""

import functools
from collections.abc import Callable
from pathlib import Path, PurePath

from rag_backend.parse.code import CODE
from rag_backend.parse.limits import MAX_FILE_BYTES
from rag_backend.parse.signature import check_content
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

SUPPORTED: tuple[str, ...] = (
    ".pdf",
    ".docx",
    ".pptx",
    ".xlsx",
    ".epub",
    ".md",
    ".markdown",
    ".txt",
    ".html",
    ".htm",
    ".csv",
    ".json",
    ".jsonl",
    ".png",
    ".jpg",
    ".jpeg",
    *CODE,
)


def check_type(name: str) -> str:
    """Return the extension of a document's name in lower case.

    Raises:
        DocumentError: it is none of `SUPPORTED`.
    """
    extension = PurePath(name).suffix.lower()
    if extension not in SUPPORTED:
        what = f"files of type {extension}" if extension else "files without an extension"
        raise DocumentError(
            f"{name} was not added, because {what} are not supported: use one of "
            f"{', '.join(SUPPORTED)}."
        )
    return extension


def parse_file(
    path: Path, name: str, page_done: Callable[[], None] = lambda: None
) -> ParsedDocument:
    """Do what `rag_backend.parse.parse` does, without limits of time and memory.

    ``page_done`` is called after each page whose text was recognised.
    """
    extension = check_type(name)
    data = read_bytes(path, name)
    check_content(data, extension, name)
    try:
        document = _parser(extension, page_done)(data, name)
    except (DocumentError, MemoryError):
        raise
    except RecursionError as error:
        raise DocumentError(
            f"{name} could not be read: its parts are nested too deeply; save it again with the "
            "program that made it, in a simpler form, and add that."
        ) from error
    except Exception as error:
        raise DocumentError(
            f"{name} could not be read: the file seems damaged "
            f"({type(error).__name__}); save it again with the program that made it and add that."
        ) from error
    if not document.blocks:
        raise DocumentError(f"{name} has no text in it: add a document with text.")
    return document


def read_bytes(path: Path, name: str) -> bytes:
    """Return a file's content.

    Raises:
        DocumentError: it can't be read, is empty, or larger than the limit.
    """
    try:
        # Reading one byte beyond the limit also holds for files that grow and for pipes.
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DocumentError(
            f"{name} could not be opened ({error.strerror}): check that the file exists and that "
            "you may read it."
        ) from error
    if not data:
        raise DocumentError(f"{name} is empty (0 bytes): add the file that has the content.")
    if len(data) > MAX_FILE_BYTES:
        raise DocumentError(
            f"{name} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB, which is the limit: "
            "split it into smaller files and add those."
        )
    return data


def _parser(
    extension: str, page_done: Callable[[], None]
) -> Callable[[bytes, str], ParsedDocument]:
    # Imported one at a time: a parser's library is loaded for the first document that needs it.
    if extension == ".pdf":
        from rag_backend.parse.pdf import parse_pdf

        return functools.partial(parse_pdf, page_done=page_done)
    if extension == ".docx":
        from rag_backend.parse.docx import parse_docx

        return parse_docx
    if extension == ".pptx":
        from rag_backend.parse.pptx import parse_pptx

        return parse_pptx
    if extension == ".xlsx":
        from rag_backend.parse.xlsx import parse_xlsx

        return parse_xlsx
    if extension == ".epub":
        from rag_backend.parse.epub import parse_epub

        return parse_epub
    if extension in {".md", ".markdown"}:
        from rag_backend.parse.markdown import parse_markdown

        return parse_markdown
    if extension in {".html", ".htm"}:
        from rag_backend.parse.html import parse_html

        return parse_html
    if extension == ".csv":
        from rag_backend.parse.csv import parse_csv

        return parse_csv
    if extension == ".json":
        from rag_backend.parse.json import parse_json

        return parse_json
    if extension == ".jsonl":
        from rag_backend.parse.json import parse_jsonl

        return parse_jsonl
    if extension in {".png", ".jpg", ".jpeg"}:
        from rag_backend.parse.image import parse_image

        return parse_image
    if extension == ".txt":
        from rag_backend.parse.text import parse_text

        return parse_text
    if extension in CODE:
        from rag_backend.parse.code import parse_code

        return parse_code
    raise ValueError(f"no parser for {extension!r}; there are parsers for {', '.join(SUPPORTED)}")
