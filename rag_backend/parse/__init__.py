"""From a file to blocks of text in reading order: one parser per format."""

from pathlib import Path

from rag_backend.parse.file import SUPPORTED, check_type
from rag_backend.parse.frames import unpacked
from rag_backend.parse.reader import READER, Check
from workbench.values import ParsedDocument

__all__ = ["SUPPORTED", "parse"]


def parse(path: Path, name: str, check: Check | None = None) -> ParsedDocument:
    """Read the file at ``path`` with the parser for the extension of ``name``.

    It is read in a process of its own, with limits of time and memory, so that no file can hang
    or end the caller. ``name`` is what the person calls the document; an upload may lie at a path
    without extension. Every refusal is a DocumentError that names the document, what was wrong
    and what to do. The blocks are never empty. ``check`` is called several times a second
    meanwhile; what it raises ends the reading.
    """
    check_type(name)
    return unpacked(READER.ask({"path": str(path.absolute()), "name": name}, name, check))
