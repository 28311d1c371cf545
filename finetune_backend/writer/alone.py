"""Whether a question can be understood by itself."""

import re

_WORD = re.compile(r"\w[\w'’-]*")
_LEANS = re.compile(
    r"\b(?:it|its|they|their|them|he|his|him|she|her|hers|this|these|those|here)\b",
    re.IGNORECASE,
)
_SPEAKER = re.compile(r"\b(?:[Ww]e|us|[Oo]urs?|[Mm]y)\b")  # not the US
_OUTSIDE = re.compile(
    r"\b(?:the|this|that) (?:given |above |following )?"
    r"(?:text|passage|paragraph|article|author|sentence|document|excerpt|section|context)\b"
    r"|\bmentioned (?:above|below|here|in the)\b",
    re.IGNORECASE,
)
_ASKING = frozenset(
    word
    for line in (
        "what which who whom whose when where why how many much long far often old big is are was",
        "were do does did can could will would should has have had the a an in on at to of for by",
        "from with and or name names type kind year years date day month time number percent",
        "percentage part way term word following first last called known used happen happened one",
        "some any be been being made make people person thing things place there not no",
    )
    for word in line.split()
)


def stands_alone(question: str) -> bool:
    """Does a question name its subject?

    It leans on something outside where it speaks of "the text" or of "us", where a pronoun
    comes before anything that it could stand for, and where it has no word of its own beside
    those that every question has.
    """
    if _OUTSIDE.search(question) or _SPEAKER.search(question):
        return False
    named = next((m.start() for m in _WORD.finditer(question) if _names(m[0])), None)
    if named is None:
        return False
    leaning = _LEANS.search(question)
    return leaning is None or named < leaning.start()


def _names(word: str) -> bool:
    plain = word.casefold()
    return plain not in _ASKING and not _LEANS.fullmatch(word) and len(plain) > 1
