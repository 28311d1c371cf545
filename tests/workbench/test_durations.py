"""Durations are said as a person would say them."""

import pytest

from workbench.durations import duration, time_left


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (8114, "2 h 15 min")],
)
def test_durations_are_said_as_a_person_would(seconds, said):
    assert duration(seconds) == said


def test_the_time_left_is_told_once_it_can_be_known():
    assert time_left(10, 0.25, 0.75) == "about 30 s left"
    assert time_left(1.5, 0.25, 0.75) == time_left(10, 0.0, 1.0) == ""
