"""Passages that say almost the same: they crowd others out of what is found and read."""

import re
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from rag_backend.documents import Progress, unheard
from rag_backend.index.passage_index import PassageIndex, floats
from workbench.storage import Database, DocumentRow, PassageRow

_COSINE = 0.93
_SHARED_WORDS = 0.75
"""Of the words of both. The cosine alone also joins rows of a table that differ in a number."""
_NEIGHBOURS = 6
_BATCH = 500
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two passages that say almost the same."""

    documents: tuple[str, str]
    texts: tuple[str, str]
    shared: float
    """Share of their words that both have, from 0 to 1; 1 may still be another order."""


def near_duplicates(
    database: Database,
    index: PassageIndex,
    most: int = 200,
    progress: Progress = unheard,
) -> list[Pair]:
    """Return the pairs of passages that share most of their words, the most alike first.

    Args:
        database: where they are kept.
        index: finds each one's neighbours.
        most: how many pairs are returned.
        progress: see `Progress`.
    """
    columns = sa.select(PassageRow.id, PassageRow.text, PassageRow.vector, DocumentRow.name).join(
        DocumentRow
    )
    with database.session() as session:
        rows = session.execute(columns.order_by(PassageRow.id)).all()
    if not rows:
        return []
    words = {row.id: frozenset(_WORD.findall(row.text.casefold())) for row in rows}
    by_id = {row.id: row for row in rows}
    held = index.refresh()
    pairs: dict[tuple[int, int], float] = {}
    for start in range(0, len(rows), _BATCH):
        progress("Comparing passages", start / len(rows))
        part = rows[start : start + _BATCH]
        vectors = np.stack([floats(row.vector) for row in part])
        for row, (cosines, ids) in zip(part, held.neighbours(vectors, _NEIGHBOURS), strict=True):
            for other, cosine in zip(ids, cosines, strict=True):
                key = (min(row.id, other), max(row.id, other))
                if other == row.id or cosine < _COSINE or other not in words or key in pairs:
                    continue
                shared = _shared(words[row.id], words[other])
                if shared >= _SHARED_WORDS:
                    pairs[key] = shared
    best = sorted(pairs, key=lambda key: (-pairs[key], key))[:most]
    return [
        Pair((by_id[a].name, by_id[b].name), (by_id[a].text, by_id[b].text), pairs[a, b])
        for a, b in best
    ]


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0
