"""The words that one answer says and the others beside it don't."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from rag_backend.search.lexical import STOP_WORDS, UNSPACED

# A number with its inner marks, a letter of a script without spaces, or a word.
_WORD = re.compile(rf"\d+(?:[.,:/’'-]\d+)*|{UNSPACED}|[^\W\d_]+")


def own_words(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Return for each text where it says words that no other one says, in characters.

    Words that tell nothing, such as "the", are left out, and neighbours are one part. A text
    that stands alone has none: there is nothing to differ from.
    """
    words = [list(_words(text)) for text in texts]
    said = [{word for word, _, _ in one} for one in words]
    parts = []
    for number, text in enumerate(texts):
        others = [one for place, one in enumerate(said) if place != number and one]
        elsewhere = set[str]().union(*others)
        own = [
            (start, end)
            for word, start, end in words[number]
            if others and word not in elsewhere and word not in STOP_WORDS
        ]
        parts.append(_joined(text, own))
    return parts


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _WORD.finditer(text):
        yield unicodedata.normalize("NFKC", match[0]).casefold(), match.start(), match.end()


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join parts that nothing but space stands between."""
    joined = list[tuple[int, int]]()
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined
