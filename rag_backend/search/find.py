"""Find passages for a question: search, fuse, rerank. Every step is told with its time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, pstdev
from typing import TYPE_CHECKING, Any

from rag_backend.documents import Ranks, Source
from rag_backend.search.only import EVERYTHING, Only
from workbench.settings import Settings
from workbench.values import Passage

if TYPE_CHECKING:
    from rag_backend.index.passage_index import PassageIndex

_RANK_CONSTANT = 60
_SEARCHES = 0.3
"""The weight of each search's score beside the reranker's."""
_WIDTH = 2
"""Each search gives this many times the candidates, so that what one ranks low is not lost."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, and how long its steps took."""

    sources: tuple[Source, ...]
    """Best first."""
    embed_ms: float
    """The question's vector."""
    dense_ms: float
    """The search by meaning."""
    words_ms: float
    fuse_ms: float
    """Fusing what both found, and reading it."""
    rerank_ms: float
    """The reranker, diversity, and what is read around a passage."""

    @property
    def search_ms(self) -> float:
        """All but reranking."""
        return self.embed_ms + self.dense_ms + self.words_ms + self.fuse_ms


def find(
    index: "PassageIndex", question: str, settings: Settings, only: Only = EVERYTHING
) -> Found:
    """Return the passages that fit the question best, as the settings want them found.

    Raises:
        RagtuneError: there are no documents, or no reranker of that name.
    """
    index.refresh()
    reranker = index.reranker(settings.reranker) if settings.reranker else None
    times = [time.perf_counter()]
    wanted = max(settings.retrieved, settings.candidates if reranker else 0)
    vector = index.embeddings().embed_query(question)
    times.append(time.perf_counter())
    among = index.ids(only) if only else None
    dense, words = list[tuple[int, float]](), list[tuple[int, float]]()
    if settings.search != "words":
        dense = index.nearest(vector, wanted * _WIDTH, among)
    times.append(time.perf_counter())
    if settings.search != "dense":
        words = index.with_words(question, wanted * _WIDTH, among)
    times.append(time.perf_counter())
    by_meaning, by_words = ([number for number, _ in ranking] for ranking in (dense, words))
    fused = fuse([by_meaning, by_words])
    ids = fused[:wanted]
    cosines = dict(dense)  # but for those that only the words found
    cosines |= index.cosines(vector, [number for number in ids if number not in cosines])
    passages = index.passages(ids)
    ids = [number for number in ids if number in passages]  # one may be gone by now
    times.append(time.perf_counter())
    fits: dict[int, float] = {}
    of_words = dict(words)
    if reranker:
        first = ids[: settings.candidates]
        judged = reranker.judge(question, [passages[n].page_content for n in first])
        fits = {number: one.fit for number, one in zip(first, judged, strict=True)}
        ids[: len(first)] = _in_order(first, fits, cosines, of_words)
    if settings.diversity:
        ids = diverse(ids, index.vectors(ids), settings.diversity)
    ids = ids[: settings.retrieved]
    wider = ids[: settings.read] if settings.around else []
    whole = {number: index.around(number, settings.around) for number in wider}
    times.append(time.perf_counter())
    sources = []
    for number in ids:
        about = passages[number].metadata
        passage = whole.get(number) or Passage(
            about["text"], tuple(about["headings"]), about["page"], about["start"], about["end"]
        )
        ranks = Ranks(_rank(number, by_meaning), _rank(number, by_words), _rank(number, fused))
        sources.append(
            Source(
                id=number,
                document=about["document"],
                page=passage.page,
                text=passage.text,
                headings=passage.headings,
                start=passage.start,
                end=passage.end,
                score=cosines[number],
                words=of_words.get(number),
                fit=fits.get(number),
                ranks=ranks,
            )
        )
    return Found(tuple(sources), *((end - start) * 1000 for start, end in pairwise(times)))


def _rank(number: int, ranking: Sequence[int]) -> int | None:
    return ranking.index(number) + 1 if number in ranking else None


def _in_order(
    ids: Sequence[int],
    fits: dict[int, float],
    cosines: dict[int, float],
    words: dict[int, float],
) -> list[int]:
    """Order passages by what the reranker says, and a little by what the searches said.

    Each score counts by how far it is from the mean of these passages, in standard
    deviations: three views of a passage err less than the best of them.
    """
    total = dict.fromkeys(ids, 0.0)
    if not ids:
        return []
    for weight, scores in ((1.0, fits), (_SEARCHES, cosines), (_SEARCHES, words)):
        values = [scores.get(number, 0.0) for number in ids]
        middle, spread = mean(values), pstdev(values)
        for number, value in zip(ids, values, strict=True):
            total[number] += weight * (value - middle) / spread if spread else 0.0
    return sorted(ids, key=lambda number: -total[number])


def diverse(ids: Sequence[int], vectors: dict[int, Any], weight: float) -> list[int]:
    """Return passages so that each says something new, and is good too.

    Source: Carbonell and Goldstein 1998, "The Use of MMR, Diversity-Based Reranking".

    Args:
        ids: the best first.
        vectors: theirs, of unit length.
        weight: of the likeness to those before, from 0 to 1.
    """
    left = [number for number in ids if number in vectors]
    worth = {number: 1 - rank / len(left) for rank, number in enumerate(left)}
    alike, chosen = dict.fromkeys(left, 0.0), list[int]()
    while left:
        best = max(left, key=lambda number: (1 - weight) * worth[number] - weight * alike[number])
        left.remove(best)
        chosen.append(best)
        for number in left:
            alike[number] = max(alike[number], float(vectors[number] @ vectors[best]))
    return chosen


def fuse(rankings: Sequence[Sequence[int]]) -> list[int]:
    """Merge rankings: each gives a passage 1 / (60 + its rank).

    Source: Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion".
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (_RANK_CONSTANT + rank)
    return sorted(scores, key=lambda number: -scores[number])
