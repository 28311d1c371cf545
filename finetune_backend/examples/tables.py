"""Questions about the rows of a two-column table, worded for whatever its columns are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from finetune_backend.examples.wording import count_words

LONG_KEY_WORDS = 6
"""A key with more words than this is put in quotation marks inside a question."""
MAX_COLUMN_CHARS = 80
MAX_KEY_WORDS = 30
"""No question about a key with more words than this sounds like one that a person would ask."""
LONGEST_ACRONYM = 4
SHORT_VALUE_WORDS = 8
"""A value with more words than this is an answer by itself and is not put into a sentence."""

_NO_VALUE = frozenset({"n/a", "tbd", "tba"})
_QUESTION_COLUMNS = frozenset({"q", "question", "questions"})
_SINGULAR_IN_S = frozenset({"alias", "atlas", "bias", "canvas", "gas", "lens", "news", "series"})
# First words of columns such as "What it does" or "Is it free", which name no thing.
_NOT_A_NOUN = frozenset(
    ("what", "who", "whom", "whose", "where", "when", "why", "how", "which", "is", "are", "was")
    + ("were", "do", "does", "did", "can", "could", "will", "would", "should", "must", "may")
    + ("has", "have", "had", "used", "in", "on", "at", "by", "for", "from", "to", "with", "if")
)
# "Required" or "Available" names no thing either. A noun caught by mistake ("Cable") only gets
# the other wording, which reads well for anything.
_ADJECTIVE = re.compile(r"[a-z]*([^e]ed|able|ible)")
_UNIT = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


@dataclass(frozen=True, slots=True)
class RowQuestions:
    """The wordings of one question about a table row, and its answer."""

    questions: tuple[str, ...]
    answer: str


def ask_about_row(cells: Sequence[tuple[str, str]]) -> RowQuestions | None:
    """Return questions about the second cell of a row of two, asked by its first; None if none fit.

    With the columns "Item" and "Price", the row "chair", "20 euros" gives "What is the price of
    chair?", "chair: price?" and "Tell me the price of chair.", all answered by "The price of
    chair is 20 euros." A long value, such as a definition, is the answer as it stands. Where the
    first column holds questions, they are taken as they are.
    """
    (first, key), (second, value) = ((column.strip(" :"), cell.strip()) for column, cell in cells)
    if not _says_something(key) or not _says_something(value):
        return None
    if first.casefold() in _QUESTION_COLUMNS or key.endswith(("?", "？")):
        return RowQuestions((key,), value)
    key = key.rstrip(" .:;")
    if not _says_something(second) or max(len(first), len(second)) > MAX_COLUMN_CHARS:
        return None
    if count_words(key) > MAX_KEY_WORDS:
        return None
    if not any(char.isalpha() for char in key):
        # "2021" alone says little; "year 2021" can be asked about.
        if not any(char.isalpha() for char in first):
            return None
        key = f"{_lower(first)} {key}"
    quoted = f"“{key}”" if count_words(key) > LONG_KEY_WORDS else key
    name = _lower(_UNIT.sub("", second).strip())
    if _is_noun(name):
        # "Price (EUR)": people ask for the price, but the answer must say in what.
        named = f"the {name} of {quoted}"
        verb = "are" if _is_plural(name) else "is"
        questions = (
            f"What {verb} {named}?",
            f"{key}: {name}?",
            f"Tell me {named}.",
        )
        sentence = f"The {_lower(second)} of {quoted} {verb}"
    else:
        label = second.rstrip("?？ ")
        questions = (
            f"{key}: {_lower(label)}?",
            f"What does the table give as “{label}” for {quoted}?",
            f"Look up “{label}” for {quoted}.",
        )
        sentence = f"For {quoted}, “{label}” is"
    if count_words(value) > SHORT_VALUE_WORDS or "\n" in value or value.endswith(("!", "?", "。")):
        return RowQuestions(questions, value)
    return RowQuestions(questions, f"{sentence} {value.rstrip('.')}.")


def _says_something(cell: str) -> bool:
    return any(char.isalnum() for char in cell) and cell.casefold() not in _NO_VALUE


def _is_noun(name: str) -> bool:
    """Say whether "the <name> of" reads well, as far as the words themselves can tell."""
    words = name.casefold().split()
    return (
        0 < len(words) <= 4
        and re.fullmatch(r"[A-Za-z][A-Za-z0-9 /'’&-]*", name) is not None
        and words[0] not in _NOT_A_NOUN
        and not _ADJECTIVE.fullmatch(words[-1])
    )


def _is_plural(name: str) -> bool:
    last = name.casefold().split()[-1]
    return (
        last.endswith("s")
        and not last.endswith(("ss", "us", "is"))
        and last not in _SINGULAR_IN_S
        and not name.endswith("S")  # GPS
    )


def _lower(column: str) -> str:
    """Lower the words that are only capitalised; "URL", "pH" and "C" stay as they are."""
    if column.isupper() and max(len(word) for word in column.split()) > LONGEST_ACRONYM:
        return column.lower()
    return re.sub(r"\b[A-Z][a-z]+\b", lambda word: word[0].lower(), column)
