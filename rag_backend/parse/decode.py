"""Bytes to text, for the formats that are text."""

import codecs
import re

from workbench.errors import DocumentError

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_CONTROL_BYTES = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x1b") + b"\x7f"
_MAX_CONTROL_SHARE = 0.01
_MAX_STRAY_CONTROLS = 8
"""So many are tolerated in the shortest text."""
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""")
_DECLARED_WITHIN_BYTES = 4096


def decode(data: bytes, name: str, *, declared: str | None = None) -> str:
    """Decode by byte order mark, then as ``declared``, as UTF-8, and at last as Windows-1252.

    UTF-8 with pieces of Windows-1252 in it, as made by pasting files together, is read as both.
    Raises DocumentError where the bytes are not text at all.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DocumentError(
                    f"{name} could not be read: it begins as {encoding[:6].upper()} text but is "
                    "damaged further on; save it again as UTF-8 text and add that."
                ) from error
    # Counted by removal, which runs at the speed of memory.
    controls = len(data) - len(data.translate(None, _CONTROL_BYTES))
    if b"\0" in data or controls > max(_MAX_STRAY_CONTROLS, _MAX_CONTROL_SHARE * len(data)):
        raise DocumentError(
            f"{name} is not a text file: it holds binary data; save it as UTF-8 text, or give it "
            "the extension of what it is."
        )
    for candidate in [declared, "utf-8"] if declared else ["utf-8"]:
        try:
            return data.decode(candidate)
        except UnicodeDecodeError:
            continue
    strays = _Strays()
    codecs.register_error(_Strays.__name__, strays)
    mixed = data.decode("utf-8", _Strays.__name__)
    # In Windows-1252, pairs of letters that look like UTF-8 occur, but rarely.
    if sum(map(len, _NOT_ASCII.findall(mixed))) > 2 * strays.count:
        return mixed
    return data.decode("cp1252", errors="replace")


class _Strays:
    """Decodes the bytes that are no UTF-8 as Windows-1252, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        stray = error.object[error.start : error.end]
        self.count += len(stray)
        # Five bytes have no meaning in Windows-1252; they show as the replacement character.
        return stray.decode("cp1252", errors="replace"), error.end


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that an HTML page names for itself, if Python knows it."""
    match = _DECLARED.search(data[:_DECLARED_WITHIN_BYTES])
    if match is None:
        return None
    encoding = match[1].decode("ascii")
    try:
        # Python also lists codecs that do not make text ("zip"), and in an encoding that is no
        # extension of ASCII the declaration itself could not have been read.
        if b"ab".decode(encoding) != "ab":
            return None
    except (LookupError, ValueError):
        return None
    # Browsers read these two as Windows-1252, and pages are written for browsers.
    return "cp1252" if codecs.lookup(encoding).name in {"iso8859-1", "ascii"} else encoding
