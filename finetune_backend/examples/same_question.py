"""Which questions ask the same, as far as their words tell.

Two questions ask the same if they have the same words, whatever their order, case and punctuation,
and whatever small words stand between them; of six words or more, one of the two may have one
more. A question in which a word is exchanged asks for something else: the price of the chair is
not that of the table. What is asked in other words is not found.

Words are compared through sums of their hashes, so that the time grows with the number of words:
50,000 questions take two or three seconds.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from finetune_backend.examples.wording import fold

LONG = 6
"""A question with at least so many words may have one that the other lacks."""

_LIGHT = frozenset(
    ("a", "an", "the", "is", "are", "was", "were", "be", "been", "do", "does", "did", "has")
    + ("have", "had", "please", "der", "das", "den", "dem", "des", "ein", "eine", "einen", "einem")
    + ("einer", "ist", "sind", "bitte", "le", "la", "les", "un", "une", "est", "sont", "el", "los")
    + ("las", "una", "es", "il", "lo")
)
"""Words that change nothing but the sound of a question, in the languages of most examples."""
_ASKING = frozenset(
    ("what", "which", "tell", "me", "you", "know", "can", "could", "would", "of", "for", "on")
    + ("in", "at", "welche", "welcher", "welches", "von", "für", "mir", "quel", "quelle", "de")
    + ("du", "qué", "cuál", "del")
)
"""Words that turn what is asked into a question, or tie its words together."""

_POSSESSIVE = re.compile(r"['’]s\b")
# The character comes before what must stand before it: so they are searched five times as fast.
_POINT = re.compile(r"[.,:](?<=\d.)(?=\d)")
_MINUS = re.compile(r"[-−–](?<!\w.)(?=\d)")
# Chinese and Japanese put no spaces between words: there, each character counts as a word.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\s\u3040-\u30ff\u3400-\u9fff]+")
_MEANT = "#%&@*/"
"""Punctuation that tells words apart, such as C from C#."""

Asked = frozenset[str]


class _Kept(dict[int, int]):
    """For `str.translate`: letters, marks, numbers and symbols stay, the rest becomes a space."""

    def __missing__(self, code: int) -> int:
        char = chr(code)
        keep = unicodedata.category(char)[0] in "LMNS" or char in _MEANT
        self[code] = code if keep else ord(" ")
        return self[code]


_KEPT = _Kept()


def spoken(text: str) -> tuple[str, ...]:
    """Return the words of a text in their order, without those that only change its sound."""
    words = _words(text)
    return tuple(word for word in words if word not in _LIGHT) or words


def asked(question: str) -> Asked:
    """Return the words that say what a question asks for."""
    words = [word for word in spoken(question) if word not in _ASKING]
    return frozenset(_singular(word) for word in words or spoken(question))


def same_questions(these: Sequence[str], those: Sequence[str]) -> dict[int, int]:
    """Return the place of each of these questions that is asked among those, with its place there.

    Where it is asked several times, the first place counts.
    """
    places, others = _places(these), _places(those)
    found: dict[int, int] = {}
    pairs = [(key, key) for key in places if key in others]
    pairs += one_more(places, others)
    pairs += ((key, other) for other, key in one_more(others, places))
    for key, other in pairs:
        for place in places[key]:
            found[place] = min(found.get(place, len(those)), others[other][0])
    return dict(sorted(found.items()))


def joined(questions: Sequence[str]) -> list[int]:
    """Return for each question the place of the first one of its group.

    Those are in a group that ask the same, and what asks the same as one of them.
    """
    places = _places(questions)
    parent = {key: key for key in places}

    def root(key: Asked) -> Asked:
        while parent[key] is not key:
            parent[key] = key = parent[parent[key]]
        return key

    for longer, shorter in one_more(places, places):
        first, later = sorted((root(longer), root(shorter)), key=lambda key: places[key][0])
        parent[later] = first
    numbers = [0] * len(questions)
    for key, held in places.items():
        for place in held:
            numbers[place] = places[root(key)][0]
    return numbers


def one_more(these: Iterable[Asked], those: Collection[Asked]) -> Iterator[tuple[Asked, Asked]]:
    """Yield the pairs of long questions in which the first has exactly one word more."""
    by_sum: dict[int, list[Asked]] = {}
    for key in those:
        by_sum.setdefault(_sum(key), []).append(key)
    for key in these:
        whole = _sum(key) if len(key) >= LONG else 0
        for word in key if len(key) >= LONG else ():
            for other in by_sum.get(whole - hash(word), ()):
                if other == key - {word}:
                    yield key, other


def _words(text: str) -> tuple[str, ...]:
    folded = _MINUS.sub("minus ", _POSSESSIVE.sub("", fold(text)))
    return tuple(_WORD.findall(_POINT.sub("point", folded).translate(_KEPT))) or (folded,)


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word


def _places(questions: Sequence[str]) -> Mapping[Asked, list[int]]:
    places: dict[Asked, list[int]] = {}
    for place, question in enumerate(questions):
        places.setdefault(asked(question), []).append(place)
    return places


def _sum(key: Asked) -> int:
    return sum(map(hash, key))
