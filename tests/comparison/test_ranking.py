"""What a search found, against the example that ir-measures publishes and cases worked by hand."""

import pytest

from comparison.ranking import ndcg, recall_at, reciprocal_rank

# https://github.com/terrierteam/ir_measures, README: qrels, run and the values it prints.
GAINS = {"Q0": {"D0": 0, "D1": 1}, "Q1": {"D0": 0, "D3": 2}}
FOUND = {"Q0": ["D0", "D1"], "Q1": ["D3", "D0"]}


def right(question):
    return {name for name, gain in GAINS[question].items() if gain}


def test_ir_measures_published_example():
    ranks = [reciprocal_rank(FOUND[q], right(q)) for q in GAINS]
    assert ranks == [0.5, 1.0] and sum(ranks) / 2 == 0.75
    gained = [ndcg(FOUND[q], GAINS[q]) for q in GAINS]
    assert gained == pytest.approx([0.6309297535714575, 1.0], abs=1e-6)
    assert sum(gained) / 2 == pytest.approx(0.8154648767857288, abs=1e-6)


def test_graded_gains_are_discounted_by_their_place():
    # Worked by hand: 3/1 + 0 + 1/2, beside 3/1 + 2/log2(3) + 1/2.
    found, gains = ["a", "x", "c"], {"a": 3, "b": 2, "c": 1}
    assert ndcg(found, gains) == pytest.approx(3.5 / (3.5 + 2 / 1.5849625), abs=1e-6)
    assert ndcg([], gains) == ndcg(found, {}) == 0.0


def test_recall_counts_the_first_ones():
    found = ["a", "x", "b"]
    assert [recall_at(found, {"a", "b"}, most) for most in (1, 2, 3, 10)] == [0.5, 0.5, 1.0, 1.0]
    assert recall_at([], {"a"}, 5) == 0.0


def test_what_was_not_found_has_no_rank():
    assert reciprocal_rank(["a", "b"], {"c"}) == reciprocal_rank([], {"c"}) == 0.0
    assert reciprocal_rank(["a", "b", "c"], {"b", "c"}) == 0.5
