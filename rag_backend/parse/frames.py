"""What the app and the process that reads documents tell each other: JSON, its length first."""

import json
import struct
from typing import IO, Any

from workbench.values import Block, ParsedDocument

_LENGTH = struct.Struct(">I")
_MAX_FRAME_BYTES = 512 * 1024 * 1024


def write_frame(pipe: IO[bytes], value: object) -> None:
    """Send one value."""
    data = json.dumps(value).encode()
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> Any:
    """Receive one value; None where the other side has ended, be it within a value.

    Raises:
        ValueError: what came is no frame.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > _MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length:,} bytes; at most {_MAX_FRAME_BYTES:,} were expected")
    data = pipe.read(length)
    return json.loads(data) if len(data) == length else None


def packed(document: ParsedDocument) -> dict[str, Any]:
    """Return a document as JSON values; headings, which many blocks share, are written once."""
    paths: dict[tuple[str, ...], int] = {}
    blocks = [
        (block.text, paths.setdefault(block.headings, len(paths)), block.page, block.cells)
        for block in document.blocks
    ]
    return {
        "paths": list(paths),
        "blocks": blocks,
        "pages": document.pages,
        "scanned": document.scanned,
    }


def unpacked(values: dict[str, Any]) -> ParsedDocument:
    """Return the document that was `packed`."""
    paths = [tuple(path) for path in values["paths"]]
    blocks = tuple(
        Block(text, paths[path], page, tuple((column, value) for column, value in cells))
        for text, path, page, cells in values["blocks"]
    )
    return ParsedDocument(blocks, values["pages"], values["scanned"])
