"""Figures and their intervals, beside values worked out by hand."""

import pytest

from comparison.advice.figure import Figure, mean_of, percentile_of, share_of


def near(figure, *numbers):
    assert (figure.value, figure.low, figure.high) == pytest.approx(numbers, abs=5e-4)


def test_shares_have_wilson_intervals():
    near(share_of([True] * 8 + [False] * 2), 0.8, 0.4902, 0.9433)
    near(share_of([False] * 10), 0.0, 0.0, 0.2775)
    near(share_of([True] * 10), 1.0, 0.7225, 1.0)
    assert share_of([]) is None


def test_means_lie_within_what_is_possible():
    near(mean_of([1.0, 2.0, 3.0]), 2.0, 2 - 1.96 / 3**0.5, 2 + 1.96 / 3**0.5)
    near(mean_of([0.0, 1.0, 1.0], 1.0), 2 / 3, 2 / 3 - 1.96 / 3, 1.0)
    near(mean_of([4.0]), 4.0, 4.0, 4.0)
    assert mean_of([]) is None


def test_percentiles_are_ranks():
    # The shares of Wilson's interval of 0.95 of 20 are 0.764 and 0.991: ranks 16 and 20.
    assert percentile_of(range(20, 0, -1), 95) == Figure(19, 17, 20)
    assert percentile_of([3.0], 95) == Figure(3.0, 3.0, 3.0)
    assert percentile_of([], 50) is None


def test_a_figure_moves_to_its_ends():
    figure = Figure(0.5, 0.4, 0.8)
    assert figure.at(-1).value == pytest.approx(0.4)
    assert figure.at(0.5).value == pytest.approx(0.65)
