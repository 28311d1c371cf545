"""What a terminal shows: the time left, from what was done while it looked, and tables."""

import pytest

from commands import shown


@pytest.mark.parametrize(
    ("seconds_left", "said"),
    [
        (None, " 60%  about 20 s left  reading"),
        (9.1, " 60%  about 9 s left  reading"),  # the work knows it better
    ],
)
def test_the_time_left_goes_by_what_was_done_since_it_began(
    monkeypatch, capsys, seconds_left, said
):
    now = [100.0]
    monkeypatch.setattr(shown.time, "monotonic", lambda: now[0])
    progress = shown.Progress()
    progress.show("reading", 0.4)
    now[0] += 10
    assert "left" not in capsys.readouterr().err
    progress.show("reading", 0.6)
    assert capsys.readouterr().err == ""  # a log gets a line only now and then
    now[0] += 0.001
    progress.show("reading", 0.6, seconds_left)
    assert capsys.readouterr().err == f"{said}\n"
    progress.end()
    now[0] += 20
    progress.show("other work", 0.9)
    assert capsys.readouterr().err == " 90%  other work\n"


def test_loading_says_nothing_of_the_speed(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(shown.time, "monotonic", lambda: now[0])
    progress = shown.Progress()
    for share, seconds in ((0.0, 60), (0.02, 8), (0.04, 8)):
        progress.show("asking", share)
        now[0] += seconds
    progress.show("asking", 0.06)
    assert capsys.readouterr().err.endswith("  6%  about 6 min 16 s left  asking\n")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (3, "3"),
        (0.0, "0.000"),
        (0.86666, "0.867"),
        (181.8934, "181.893"),
        (0.00027391, "0.000274"),
        (-0.002, "-0.002"),
    ],
)
def test_a_cell_says_what_a_number_is(value, said):
    assert shown.cell(value) == said
