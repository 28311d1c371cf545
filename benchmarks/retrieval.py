"""How well the search finds, and how long reranking takes: ``python -m benchmarks.retrieval``.

About ten minutes on two cores. The questions are SQuAD 2.0's, as
``../shared/data/squad2_train.jsonl`` or the file that RAGTUNE_SQUAD names has them. All
paragraphs are in the knowledge base; asked are the questions of the titles that the reranker
was not trained on. A plain BM25 over whole paragraphs stands beside.
"""

import math
import os
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from benchmarks.report import figure, print_report, tell
from comparison.lab import open_lab
from comparison.shipped.reading_data import Asked, add_paragraphs, held_out, read_asked
from rag_backend.index.passage_index import PassageIndex
from rag_backend.search.find import find
from workbench.settings import Settings

_DATA = Path(__file__).resolve().parents[2] / "shared/data/squad2_train.jsonl"
FOUND = 20
WAYS = {
    "dense": Settings(search="dense", reranker="", retrieved=FOUND),
    "words": Settings(search="words", reranker="", retrieved=FOUND),
    "hybrid": Settings(reranker="", retrieved=FOUND),
    "hybrid, reranked": Settings(retrieved=FOUND),
}
WORDS = 150
"""Of the passages that reranking is timed on: about 200 tokens each."""


def main() -> None:
    """Measure, and print the report."""
    asked = all_asked()
    questions = [one for one in asked if one.answers and one.title in held_out(asked)]
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        names = add_paragraphs(lab.knowledge_base, asked, named=False)
        index = lab.knowledge_base.index
        ranks = {"bm25": bm25(list(names), questions)}
        for way, settings in WAYS.items():
            ranks[way] = [rank_of(index, one, names[one.paragraph], settings) for one in questions]
        milliseconds = rerank_ms(index, list(names), questions)
        lab.database.close()
    for way, found in ranks.items():
        tell(f"{way}: " + ", ".join(f"R@{k} {share(found, k):.3f}" for k in (1, 5, FOUND)))
    best = ranks["hybrid, reranked"]
    peer = f"BM25: R@1 {share(ranks['bm25'], 1):.3f}, R@5 {share(ranks['bm25'], 5):.3f}"
    print_report(
        "retrieval",
        [
            figure("recall_at_1", share(best, 1), "share", "higher", 0.88, peer=peer),
            figure("recall_at_5", share(best, 5), "share", "higher", 0.97, peer=peer),
            figure("rerank_ms", median(milliseconds), "ms", "lower", 250, runs=milliseconds),
        ],
    )


def all_asked() -> list[Asked]:
    """Read the questions from where they are."""
    return read_asked(Path(os.environ.get("RAGTUNE_SQUAD", _DATA)))


def rank_of(index: PassageIndex, asked: Asked, name: str, settings: Settings) -> int:
    """Return how many other paragraphs come before the right one."""
    found = find(index, asked.question, settings).sources
    documents = list(dict.fromkeys(source.document for source in found))
    return documents.index(name) if name in documents else FOUND


def share(ranks: Sequence[int], k: int) -> float:
    """Return the share of questions whose paragraph is among the first k."""
    return mean(rank < k for rank in ranks)


def bm25(paragraphs: list[str], questions: Sequence[Asked]) -> list[int]:
    """Return each question's rank by plain BM25 over whole paragraphs: the yardstick.

    Words in small letters as they are; k1 = 1.2, b = 0.75.
    """
    words = [re.findall(r"\w+", paragraph.lower()) for paragraph in paragraphs]
    mean_length = mean(map(len, words))
    holding: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, text in enumerate(words):
        room = 1.2 * (0.25 + 0.75 * len(text) / mean_length)
        for word, count in Counter(text).items():
            holding[word].append((number, count * 2.2 / (count + room)))
    ranks = []
    for one in questions:
        scores = [0.0] * len(paragraphs)
        for word in set(re.findall(r"\w+", one.question.lower())):
            found = holding.get(word, [])
            rarity = math.log(1 + (len(paragraphs) - len(found) + 0.5) / (len(found) + 0.5))
            for number, weight in found:
                scores[number] += rarity * weight
        right = scores[paragraphs.index(one.paragraph)]
        ranks.append(sum(score > right for score in scores))
    return ranks


def rerank_ms(
    index: PassageIndex, paragraphs: list[str], questions: Sequence[Asked]
) -> list[float]:
    """Return how long it takes to judge 20 passages of about 200 tokens, seven times."""
    reranker = index.reranker(Settings().reranker)
    text = " ".join(paragraphs).split()
    passages = [" ".join(text[n * WORDS : (n + 1) * WORDS]) for n in range(FOUND)]
    tokens = [index.embeddings().count_tokens(passage) for passage in passages]
    tell(f"{FOUND} passages of {mean(tokens):.0f} tokens")
    times = []
    for one in questions[:8]:
        started = time.perf_counter()
        reranker.judge(one.question, passages)
        times.append((time.perf_counter() - started) * 1000)
    return times[1:]


if __name__ == "__main__":
    main()
