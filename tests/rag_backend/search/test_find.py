"""Search, fusion and reranking together."""

import dataclasses

import pytest

from rag_backend.search.find import _in_order, find, fuse
from workbench.settings import Settings

FACTS = {
    "leave.txt": "Every employee has 31 days of paid leave a year.",
    "hours.txt": "The workshop opens at 6:40 and closes at 17:20.",
    "price.txt": "The model ZX-4410 costs 940 crowns.",
    "colour.txt": "The flagship kite is vermilion.",
}


@pytest.fixture()
def index(tiny_lab):
    for name, text in FACTS.items():
        tiny_lab.knowledge_base.add_bytes(text.encode(), name)
    return tiny_lab.knowledge_base.index


def test_fusion_rewards_what_several_rankings_put_first():
    assert fuse([[1, 2, 3], [2, 3, 1]]) == [2, 1, 3]
    assert fuse([[7, 8], []]) == [7, 8]
    assert fuse([]) == []


@pytest.mark.parametrize("search", ["hybrid", "dense", "words"])
@pytest.mark.parametrize("reranker", ["", Settings().reranker])
def test_every_way_finds_the_fact(index, search, reranker):
    settings = Settings(search=search, reranker=reranker, retrieved=2)
    found = find(index, "When does the workshop open?", settings)
    best = found.sources[0]
    assert best.document == "hours.txt" and 0.3 < best.score <= 1.0
    assert (best.fit is not None) == bool(reranker)
    assert (best.words is not None) == (search != "dense")
    assert found.search_ms > 0 and (found.rerank_ms > 1) == bool(reranker)


def test_fusion_finds_what_one_search_misses(index):
    settings = Settings(reranker="", retrieved=1)
    assert find(index, "ZX-4410", settings).sources[0].document == "price.txt"
    asked = "How much holiday do staff get?"
    assert find(index, asked, settings).sources[0].document == "leave.txt"
    by_words = dataclasses.replace(settings, search="words")
    assert find(index, asked, by_words).sources == ()


def test_the_reranker_counts_most_and_the_searches_a_little():
    fits, cosines, words = {1: 4.0, 2: 0.0, 3: 3.9}, {1: 0.1, 2: 0.9, 3: 0.5}, {3: 7.0}
    assert _in_order([1, 2, 3], fits, {}, {}) == [1, 3, 2]
    assert _in_order([1, 2, 3], fits, cosines, words) == [3, 1, 2]
    assert _in_order([5], {5: 1.0}, {5: 0.2}, {}) == [5]
    assert _in_order([], {}, {}, {}) == []


def test_only_the_candidates_are_reranked(index):
    settings = Settings(retrieved=4, candidates=2)
    found = find(index, "What does the ZX-4410 cost?", settings).sources
    assert len(found) == 4 and found[0].document == "price.txt"
    assert [source.fit is not None for source in found] == [True, True, False, False]


def test_reranked_passages_come_with_all_scores(index):
    found = find(index, "What does the ZX-4410 cost?", Settings(retrieved=4)).sources
    assert len(found) == 4 and found[0].document == "price.txt"
    assert found[0].words > 0 and found[0].fit == max(source.fit for source in found)
