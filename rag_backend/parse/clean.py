"""Text as people meant it: without control characters, with plain white space."""

import re
import unicodedata

# Kept: tab and line feed, which are white space and handled as such. Dropped: all other control
# characters, lone surrogates, non-characters, and the marks that only say where a word may break.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def printable(text: str) -> str:
    """Drop what no reader sees, use ``\\n`` for every line end, and write ligatures out.

    Printed PDFs hold "ﬁle" as three characters; a search for "file" must still find it.
    """
    text = _LINE_ENDS.sub("\n", text)
    return unicodedata.normalize("NFC", _DROPPED.sub("", text).translate(_LIGATURES))


def one_line(text: str) -> str:
    """Printable text with every run of white space, line ends included, as one space."""
    return " ".join(printable(text).split())


def lines(text: str) -> str:
    """Printable text that keeps its line ends, with single spaces inside the lines."""
    text = "\n".join(line.strip() for line in _SPACES.sub(" ", printable(text)).split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def preformatted(text: str) -> str:
    """Printable text with its line ends and indentation, as code needs them."""
    text = "\n".join(line.rstrip() for line in printable(text).expandtabs(4).split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")
