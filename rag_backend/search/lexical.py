"""Search by words: BM25 over an inverted index that lives in the database.

SQLite's FTS5 keeps it, so it changes in the same transaction as the passages: by difference,
and never half. Source of the score: Robertson and Zaragoza 2009, "The Probabilistic Relevance
Framework: BM25 and Beyond", with k1 = 1.2 and b = 0.75.
"""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

_INSERT = sa.text("INSERT OR REPLACE INTO passage_words (rowid, words) VALUES (:id, :words)")
_FIND = "SELECT rowid, -rank FROM passage_words WHERE passage_words MATCH :query"
_BEST = "ORDER BY rank LIMIT :k"
_SEARCH = sa.text(f"{_FIND} {_BEST}")
_SEARCH_AMONG = sa.text(f"{_FIND} AND rowid IN (SELECT value FROM json_each(:among)) {_BEST}")
UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
"""A letter of Chinese, Japanese, Thai and their like, which are written without spaces."""
_UNSPACED = re.compile(UNSPACED)
_MOST_WORDS = 64
# What nearly every text holds tells passages apart no more, and takes most of the time.
STOP_WORDS = frozenset(
    word
    for line in (
        "a about an and any are as at be been but by can did do does for from had has have how",
        "i if in into is it its many me much my of on or our so some such tell than that the",
        "their them then there these they this to us was we were what when where which who whom",
        "whose why will with would you your",
    )
    for word in line.split()
)


def add_words(session: Session, texts: Iterable[tuple[int, str]]) -> None:
    """Index passages, given as ids and texts; what is deleted leaves by a trigger."""
    rows = [{"id": number, "words": _spaced(text)} for number, text in texts]
    if rows:
        session.execute(_INSERT, rows)


def forget_words(session: Session) -> None:
    """Write the index anew without the words of passages that were deleted."""
    session.execute(sa.text("INSERT INTO passage_words (passage_words) VALUES ('optimize')"))


def search_words(
    session: Session, question: str, k: int, among: Sequence[int] | None = None
) -> list[tuple[int, float]]:
    """Return the ids of the k passages whose words fit best, each with its BM25 score.

    Best first; a passage that shares no word with the question is not among them, nor, where
    ``among`` is given, one with another id than these.
    """
    query = _query(question)
    if not query:
        return []
    if among is None:
        found = session.execute(_SEARCH, {"query": query, "k": k})
    else:
        ids = json.dumps(list(among))
        found = session.execute(_SEARCH_AMONG, {"query": query, "k": k, "among": ids})
    return [(number, float(score)) for number, score in found]


def _query(question: str) -> str:
    """Return any of the question's words, in FTS5's language; empty where there is none."""
    letters = (c if unicodedata.category(c)[0] in "LMN" else " " for c in _normal(question))
    words = list(dict.fromkeys("".join(letters).split()))
    telling = [word for word in words if word not in STOP_WORDS] or words
    # Within quotes nothing is an operator. Unspaced writing is looked for in pairs.
    return " OR ".join(f'"{part}"' for word in telling[:_MOST_WORDS] for part in _parts(word))


def _parts(word: str) -> list[str]:
    if not _UNSPACED.search(word):
        return [word]
    letters = _spaced(word).split()
    pairs = [f"{a} {b}" for a, b in itertools.pairwise(letters)]
    return pairs or letters


def _spaced(text: str) -> str:
    return _UNSPACED.sub(lambda letter: f" {letter[0]} ", _normal(text))


def _normal(text: str) -> str:
    """Return the text in small letters, with one form for every character."""
    return unicodedata.normalize("NFKC", text).casefold()
