"""The verifier that comes along tells a passage that answers from one that doesn't."""

import pytest

from rag_backend.verify.verifier import Verifier, digest, shipped_calibration
from workbench.errors import RagtuneError

HOURS = "The workshop of Marlow Kites opens at 6:40 in the morning and closes at 17:20."
LEAVE = "Every employee has 31 days of paid leave a year. Ottilie Brandt founded the company."


@pytest.fixture(scope="module")
def verifier():
    return Verifier()


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("When does the workshop close?", HOURS, LEAVE),
        ("How many days of paid leave does an employee have?", LEAVE, HOURS),
        ("Who founded the company?", LEAVE, HOURS),
    ],
)
def test_the_answer_is_where_it_is(verifier, question, right, wrong):
    threshold = shipped_calibration().threshold(0.05)
    assert verifier.score(question, right) > threshold > verifier.score(question, wrong)


def test_the_calibration_that_comes_along_is_this_verifier_s():
    assert shipped_calibration().verifier == digest()


def test_what_does_not_fit_is_refused(verifier):
    with pytest.raises(RagtuneError, match="tokens long"):
        verifier.score("When does the workshop close?", HOURS * 500)


def test_a_folder_without_a_verifier_is_refused(tmp_path):
    with pytest.raises(RagtuneError, match="no verifier"):
        Verifier(tmp_path)
