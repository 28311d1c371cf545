"""Intervals, against published values and cases worked by hand."""

import random

import pytest

from comparison.statistics.bootstrap import change_interval, difference_interval, mean_interval
from comparison.statistics.quantile import quantile_interval
from comparison.statistics.seeds import seeds_interval
from comparison.statistics.share import share_interval


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3 (Wilson).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 1 - 0.1170, 1.0),
    ],
)
def test_a_share(count, of, low, high):
    interval = share_interval(count, of)
    assert interval.value == count / of
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("count", "of"), [(1, 0), (3, 2), (-1, 5)])
def test_a_share_of_nothing_is_refused(count, of):
    with pytest.raises(ValueError, match="were expected"):
        share_interval(count, of)


def test_a_mean_lies_as_wide_as_t_says():
    draw = random.Random(0)
    values = [draw.random() for _ in range(40)]
    interval = mean_interval(values)
    mean = sum(values) / 40
    error = (sum((v - mean) ** 2 for v in values) / 39 / 40) ** 0.5
    assert interval.value == pytest.approx(mean)
    assert interval.low == pytest.approx(mean - 2.0227 * error, abs=error / 8)
    assert interval.high == pytest.approx(mean + 2.0227 * error, abs=error / 8)


def test_the_same_values_give_the_same_interval_and_order_does_not_count():
    values = [0.0, 0.5, 1.0, 0.25, 0.75] * 6
    assert mean_interval(values) == mean_interval(values) == mean_interval(sorted(values))
    assert mean_interval(values, seed=1) != mean_interval(values)


def test_many_values_are_as_the_few():
    draw = random.Random(1)
    values = [float(draw.random() < 0.3) for _ in range(20_000)]
    interval, wilson = mean_interval(values), share_interval(int(sum(values)), 20_000)
    assert interval.low == pytest.approx(wilson.low, abs=1e-4)
    assert interval.high == pytest.approx(wilson.high, abs=1e-4)


def test_pairs_tell_what_single_shares_do_not():
    first, second = [1.0] * 30 + [0.0] * 70, [1.0] * 18 + [0.0] * 82
    paired = difference_interval(first, second)
    assert paired.value == pytest.approx(0.12)
    # Bonett and Price: (13 - 1) / 102 ± 1.96 √((14/102 - (12/102)²) / 102).
    assert paired.low == pytest.approx(0.0495, abs=0.015)
    assert paired.high == pytest.approx(0.1858, abs=0.015)
    apart = share_interval(30, 100).margin + share_interval(18, 100).margin
    assert paired.margin < apart / 2
    turned = difference_interval(second, first)
    assert turned.value == -paired.value and turned.high < 0


def test_equal_answers_still_leave_room():
    interval = difference_interval([1.0, 0.0] * 20, [1.0, 0.0] * 20)
    assert interval.value == 0 and -0.15 < interval.low < 0 < interval.high < 0.15


def test_changes_are_paired_differences_that_may_be_as_large_as_two():
    first, second = [1.0, 0.0, 1.0, 1.0] * 10, [0.0, 0.0, 1.0, 0.0] * 10
    differences = [a - b for a, b in zip(first, second, strict=True)]
    assert change_interval(differences) == difference_interval(first, second)
    # The standard error of the mean of 102 values, each -1 or 1, is 0.099.
    even = change_interval([-1, 1] * 50)
    assert (even.low, even.high) == pytest.approx((-0.194, 0.194), abs=0.015)
    assert change_interval([0, 1] * 50) == change_interval([1, 0] * 50)
    # Of a hundred values, each -2 or 2, and the pair, it is 0.197.
    twice = change_interval([-2, 2] * 50, most=2.0)
    assert (twice.low, twice.high) == pytest.approx((-0.385, 0.385), abs=0.03)
    always = change_interval([2] * 20, most=2.0)
    assert always.high == 2.0 and 1.4 < always.low < 1.9


@pytest.mark.parametrize("values", [[0.25], [1.0]])
def test_one_value_says_nothing(values):
    interval = mean_interval(values)
    assert (interval.value, interval.low, interval.high) == (values[0], 0.0, 1.0)


def test_no_values_and_unlike_pairs_are_refused():
    with pytest.raises(ValueError, match="No values"):
        mean_interval([])
    with pytest.raises(ValueError, match="2 and 1 values"):
        difference_interval([1.0, 0.0], [1.0])


def test_seeds_that_differ_widen_the_interval():
    draw = random.Random(2)
    alike = [[float(draw.random() < 0.6) for _ in range(100)]] * 3
    apart = [[float(draw.random() < share) for _ in range(100)] for share in (0.4, 0.6, 0.8)]
    narrow, wide = seeds_interval(alike), seeds_interval(apart)
    single = share_interval(int(sum(alike[0])), 100)
    assert narrow.margin == pytest.approx(single.margin * (3 / 2) ** 0.5, rel=0.1)
    assert wide.margin > 1.5 * narrow.margin
    with pytest.raises(ValueError, match="Two seeds"):
        seeds_interval(alike[:1])


def test_a_median_lies_between_two_ranks():
    # Of 100 values the 40th and the 61st, of 20 the 6th and the 15th (Hahn and Meeker, A.15).
    hundred = quantile_interval(list(range(100, 0, -1)))
    assert (hundred.value, hundred.low, hundred.high) == (50, 40, 61)
    twenty = quantile_interval(list(range(1, 21)))
    assert (twenty.value, twenty.low, twenty.high) == (10, 6, 15)
    few = quantile_interval([3.0, 1.0, 2.0])
    assert (few.value, few.low, few.high) == (2.0, 1.0, 3.0)
    assert quantile_interval([7.0]).margin == 0
    late = quantile_interval(list(range(1, 201)), 0.95)
    assert late.value == 190 and 180 <= late.low < 190 < late.high <= 197
    with pytest.raises(ValueError, match="were expected"):
        quantile_interval([])
