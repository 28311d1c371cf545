"""Bytes to text, for the formats that are text."""

import codecs
import re
import string

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
_LATIN_MARKS = "€‚„…‘’“”•–—™ ¡£§©«¬®°±²³·»½¿".encode("cp1252")
"""What a Latin text holds of bytes above 127 besides its letters."""
_ABOVE_ASCII = bytes(b for b in range(128, 256) if b not in _LATIN_MARKS)
_ASCII_LETTERS = string.ascii_letters.encode()
_OTHER_SHARE = 0.25
"""Of the letters of Icelandic, which has most, about an eighth are not ASCII."""
_FEWEST_OTHER = 12
"""Fewer tell no encoding from another."""
_OTHER_SCRIPTS = (
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"
)  # fmt: skip
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""")
_DECLARED_WITHIN_BYTES = 4096


def decode(data: bytes, name: str, *, declared: str | None = None) -> str:
    """Decode by byte order mark, then as ``declared``, as UTF-8, and at last as Windows-1252.

    Where too few letters are Latin for that, the encoding is guessed from those of other scripts.
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
    # In other encodings, pairs of letters that look like UTF-8 occur, but rarely.
    valid = data.decode("utf-8", errors="ignore")
    if sum(map(len, _NOT_ASCII.findall(valid))) > len(data) - len(valid.encode()):
        codecs.register_error(_as_windows.__name__, _as_windows)
        return data.decode("utf-8", _as_windows.__name__)
    return data.decode(_of_other_script(data) or "cp1252", errors="replace")


def _of_other_script(data: bytes) -> str | None:
    """Guess the encoding of what is not in Latin letters; None for what is."""
    above = len(data) - len(data.translate(None, _ABOVE_ASCII))
    ascii_letters = len(data) - len(data.translate(None, _ASCII_LETTERS))
    if above < max(_FEWEST_OTHER, _OTHER_SHARE * (above + ascii_letters)):
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=list(_OTHER_SCRIPTS)).best()
    return best.encoding if best else None


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that are no UTF-8 as Windows-1252."""
    assert isinstance(error, UnicodeDecodeError)
    # Five bytes have no meaning in Windows-1252; they show as the replacement character.
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


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
