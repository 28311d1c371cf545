"""Where sentences begin and end."""

import re
from collections.abc import Iterator

_END = re.compile(r"(?:[.!?…][\"”’)\]]*\s+(?=[^\s\da-z])|[。！？]|\n+)")
_WORD = re.compile(r"[^\W_]")


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence begins and ends, without the space around it."""
    start = 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        sentence = text[start:end]
        left = start + len(sentence) - len(sentence.lstrip())
        right = start + len(sentence.rstrip())
        if _WORD.search(sentence):
            yield left, right
        start = end
