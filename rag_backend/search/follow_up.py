"""Follow-up questions: "And on Fridays?" means nothing without the question before it."""

import re
from collections.abc import Sequence

from rag_backend.search.lexical import STOP_WORDS

_OPENINGS = re.compile(
    r"(?:and|but|or|also|then|so|what about|how about|what if|what else|why not|why|since when|"
    r"until when|by whom|with whom|where to)\b",
    re.IGNORECASE,
)
_POINTING = frozenset(
    word
    for line in (
        "it its he him his she her hers they them their theirs this that these those there",
        "one ones former latter same",
    )
    for word in line.split()
)
_TELLING_WORDS = 2
_KEPT = 2
"""Earlier questions that a chain of follow-ups may reach back over."""


def complete(question: str, earlier: Sequence[str]) -> str:
    """Return a question that stands by itself: a follow-up gets what it follows in front.

    A question is a follow-up where it opens as one ("And …", "What about …"), points at
    something ("it", "there") or says almost nothing by itself. All methods are asked the
    same text.

    Args:
        question: as it was asked.
        earlier: what was asked before it in the conversation, as it was asked, oldest first.
    """
    parts = [question]
    for before in reversed(earlier[-_KEPT:]):
        if not follows(parts[0]):
            break
        parts.insert(0, before)
    return " ".join(parts)


def follows(question: str) -> bool:
    """Whether a question needs the one before it to be understood."""
    words = re.findall(r"\w+", question.casefold())
    telling = [word for word in words if word not in STOP_WORDS]
    # Within a sentence "it" may stand for something said in it: only a question that names
    # nothing of its own points back.
    names = re.findall(r"(?<!^)(?<![.?!] )\b[A-Z]\w+", question)
    pointing = not _POINTING.isdisjoint(words) and not names
    return bool(_OPENINGS.match(question.strip())) or pointing or len(telling) < _TELLING_WORDS
