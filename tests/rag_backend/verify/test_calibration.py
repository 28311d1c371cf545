"""A calibration declines the share of answerable questions that it is asked to."""

import json
import random

import pytest

from rag_backend.verify.calibration import calibration_of, read_calibration, write_calibration
from workbench.errors import RagtuneError


@pytest.mark.parametrize("count", [20, 173, 5000])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_that_is_asked_for_is_declined(count, share):
    draw = random.Random(count)
    scores = [draw.gauss(0, 3) for _ in range(count)]
    made = calibration_of(scores, "it")
    assert made.questions == count and len(made.scores) <= 200
    declined = sum(score < made.threshold(share) for score in scores) / count
    assert declined == pytest.approx(share, abs=0.02)
    assert made.threshold(0.05) <= made.threshold(0.2) <= made.threshold(1.0)


def test_it_is_read_again(tmp_path):
    made = calibration_of([3.0, 1.0, 2.0], "it")
    write_calibration(made, tmp_path / "made.json")
    assert read_calibration(tmp_path / "made.json") == made
    assert made.scores == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("change", [{"scores": []}, {"scores": [2, 1]}, {"scores": 5}, {"more": 1}])
def test_a_broken_file_is_told(change, tmp_path):
    file = tmp_path / "made.json"
    write_calibration(calibration_of([1.0, 2.0], "it"), file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(RagtuneError, match=r"made\.json holds no"):
        read_calibration(file)
    file.write_text("{")
    with pytest.raises(RagtuneError, match=r"made\.json"):
        read_calibration(file)
