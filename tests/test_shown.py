"""Progress in a terminal tells the time left, once, and from what was done while it looked."""

import pytest

from commands import shown


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("reading", " 60%  reading  about 20 s left"),
        ("step 3/6  9 s left  1.2 GB", " 60%  step 3/6  9 s left  1.2 GB"),
    ],
)
def test_the_time_left_goes_by_what_was_done_since_it_began(monkeypatch, capsys, message, said):
    now = [100.0]
    monkeypatch.setattr(shown.time, "monotonic", lambda: now[0])
    progress = shown.Progress()
    progress.show(message, 0.4)
    now[0] += 10
    assert "left" not in capsys.readouterr().err
    progress.show(message, 0.6)
    assert capsys.readouterr().err == ""  # a log gets a line only now and then
    now[0] += 0.001
    progress.show(message, 0.6)
    assert capsys.readouterr().err == f"{said}\n"
    progress.end()
    now[0] += 20
    progress.show("other work", 0.9)
    assert capsys.readouterr().err == " 90%  other work\n"
