"""How the text of an example is cleaned, compared and counted; one place, so all agree."""

import hashlib
import re
import unicodedata

MAX_QUESTION_CHARS = 2_000
MAX_ANSWER_CHARS = 4_000

# Word processors and spreadsheets write these for a line break inside a cell.
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85]")
# Control characters except newline and tab, the byte order mark, and lone surrogates: JSON can
# spell half a character ("\ud83d"), which no file could store again.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
# Chinese and Japanese put no spaces between words: there, each character counts as a word.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\s\u3040-\u30ff\u3400-\u9fff]+")


def clean(text: str) -> str:
    """Return the text without control characters and without space around it."""
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", text)).strip()


def fold(text: str) -> str:
    """Return the form in which two texts count as the same: case and spacing are ignored."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def short_hash(text: str) -> str:
    """Return 12 hexadecimal digits that are the same for texts with the same folded form."""
    return hashlib.sha256(fold(text).encode("utf-8", "replace")).hexdigest()[:12]


def count_words(text: str) -> int:
    """Count the words of a text."""
    return len(_WORD.findall(text))


def shorten(text: str, chars: int = 80) -> str:
    """Return the text on one line, cut with an ellipsis, fit to be quoted in a message."""
    line = " ".join(text.split())
    return line if len(line) <= chars else line[: chars - 1].rstrip() + "…"
