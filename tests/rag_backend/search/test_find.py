"""Search, fusion and reranking together."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rag_backend.search.find import _in_order, diverse, find, fuse
from rag_backend.search.only import Only
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
    assert found.embed_ms > 0 and (found.rerank_ms > 1) == bool(reranker)
    assert min(found.dense_ms, found.words_ms, found.fuse_ms) > 0
    steps = found.embed_ms + found.dense_ms + found.words_ms + found.fuse_ms
    assert found.search_ms == steps


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


def test_diversity_puts_something_new_before_the_same_again():
    same, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    vectors = {1: same, 2: same, 3: other}
    assert diverse([1, 2, 3], vectors, 0.0) == [1, 2, 3]
    assert diverse([1, 2, 3], vectors, 0.6) == [1, 3, 2]
    assert diverse([1, 9], {1: same}, 0.5) == [1] and diverse([], {}, 0.5) == []


def test_what_stands_around_a_passage_is_read_with_it(tiny_lab):
    base = tiny_lab.knowledge_base
    lines = [f"Kite {n} was built in the year {1900 + n} by the workshop." for n in range(40)]
    base.add_bytes(f"# Old\n\nOther.\n\n# New\n\n{' '.join(lines)}".encode(), "kites.md")
    settings = Settings(reranker="", retrieved=3, read=1, around=1)
    first, second, _ = find(base.index, "When was kite 20 built?", settings).sources
    (narrow, *_) = find(base.index, "When was kite 20 built?", Settings(reranker="")).sources
    text = base.text("kites.md")
    assert first.text == text[first.start : first.end]
    assert first.start < narrow.start < narrow.end < first.end and narrow.text in first.text
    assert second.end - second.start < 600 and first.headings == ("New",)
    assert "Other." not in first.text


@pytest.mark.parametrize("search", ["hybrid", "dense", "words"])
def test_a_search_may_be_limited(index, tiny_lab, search):
    settings = Settings(search=search, reranker="")
    tiny_lab.knowledge_base.add_bytes(b"# Hours\n\nThe workshop opens at noon.", "hours.md")

    def found(only):
        asked = "When does the workshop open?"
        return {source.document for source in find(index, asked, settings, only).sources}

    assert {"hours.md", "hours.txt"} <= found(Only())
    assert found(Only(documents=("hours.txt",))) == {"hours.txt"}
    assert found(Only(types=(".md",))) == {"hours.md"}
    assert found(Only(types=(".md",), documents=("hours.txt",))) == set()
    today = datetime.now(UTC).date()
    assert "hours.md" in found(Only(since=today))
    assert found(Only(since=today + timedelta(days=1))) == set()
