"""Tests, sample sizes and agreement, against published values and cases worked by hand."""

import pytest

from comparison.statistics.holm import holm
from comparison.statistics.kappa import kappa
from comparison.statistics.mcnemar import mcnemar
from comparison.statistics.needed import questions_needed


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [
        (0, 0, 1.0),
        (1, 1, 1.0),
        (0, 6, 2 / 64),
        (6, 0, 2 / 64),
        # 2 (1 + 10 + 45) / 1024
        (2, 8, 112 / 1024),
        (5, 5, 1.0),
    ],
)
def test_mcnemar(only_first, only_second, expected):
    assert mcnemar(only_first, only_second) == pytest.approx(expected, abs=1e-12)


def test_mcnemar_of_many():
    # z = (530 - 470 - 1) / √1000 = 1.866; two-sided 0.0621.
    assert mcnemar(530, 470) == pytest.approx(0.0621, abs=3e-4)
    assert mcnemar(90_000, 10_000) == 0.0


def test_holm():
    # Worked by hand: 0.01·4, 0.013·3 (but no less than 0.04), 0.03·2, 0.04·1 (no less than 0.06).
    assert holm([0.04, 0.01, 0.03, 0.013]) == pytest.approx([0.06, 0.04, 0.06, 0.04])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_questions_needed_as_in_connors_formula():
    # ψ = 0.25 (98 pairs, 22 + 1 of one kind and 0 + 1 of the other …): worked by hand.
    differences = [1.0] * 15 + [-1.0] * 8 + [0.0] * 75
    psi, delta = 25 / 100, 0.1
    expected = (1.959964 * psi**0.5 + 0.841621 * (psi - delta**2) ** 0.5) ** 2 / delta**2
    assert questions_needed(differences, delta) == int(expected) + 1 == 194
    assert questions_needed(differences, -delta) == 194
    assert questions_needed(differences, 0.05) > 3.9 * 194


def test_scores_that_hardly_differ_need_fewer():
    near = questions_needed([0.1, -0.1] * 50, 0.05)
    assert near < questions_needed([1.0, -1.0] * 50, 0.05) / 10
    with pytest.raises(ValueError, match="not 0"):
        questions_needed([1.0], 0.0)


def test_kappa():
    # Cohen's own kind of table, worked by hand: agreed 35 of 50, by chance 0.5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa([1, 2, 1], [1, 2, 1]) == 1.0
    assert kappa([1, 2], [2, 1]) == pytest.approx(-1.0)


def test_kappa_is_none_where_nothing_can_be_told():
    assert kappa([], []) is None
    assert kappa(["yes"] * 3, ["yes"] * 3) is None
    with pytest.raises(ValueError, match="no pairs"):
        kappa([1], [])
