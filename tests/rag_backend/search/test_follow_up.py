"""A follow-up question is asked together with what it follows."""

import pytest

from rag_backend.search.follow_up import complete, follows

FIRST = "When does the workshop close on weekdays?"


@pytest.mark.parametrize(
    "question",
    ["And on Fridays?", "What about Fridays?", "When does it open?", "Why?", "Who works there?"],
)
def test_a_follow_up_gets_its_question(question):
    assert follows(question)
    assert complete(question, ["Other?", FIRST]) == f"{FIRST} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "What does the ZX-4410 cost?",
        "How many days of paid leave does an employee have?",
        "Does Brindlecart sell its kites abroad?",
    ],
)
def test_a_question_of_its_own_stays_alone(question):
    assert complete(question, [FIRST]) == question


def test_a_chain_of_follow_ups_reaches_back():
    earlier = ["Who founded Brindlecart and where?", FIRST, "And on Fridays?"]
    assert complete("And on Sundays?", earlier) == f"{FIRST} And on Fridays? And on Sundays?"
    assert complete("Why?", []) == "Why?"
