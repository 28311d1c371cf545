"""Verdicts say what can be told, and no more."""

import pytest

from comparison.evaluation.by_question import by_question, filters
from comparison.evaluation.verdicts import comparisons, verdicts


def rows(**right):
    """Make rows from strings such as "110": right, right, wrong."""
    return [
        {"number": number, "column": label, "right": one == "1"}
        for label, marks in right.items()
        for number, one in enumerate(marks)
        if one in "01"
    ]


def test_a_clear_difference_is_told_with_its_margin():
    (one,) = verdicts(rows(base="0" * 60 + "1" * 12, rag="1" * 50 + "0" * 22), ["base", "rag"])
    assert (one.first, one.second, one.questions) == ("rag", "base", 72)
    assert (one.only_first, one.only_second) == (50, 12)
    assert one.difference.value == pytest.approx(38 / 72)
    assert one.told and one.p == one.p_together < 0.001 and one.more == 0
    assert one.sentence.startswith("rag answers 53 ± ")
    assert one.sentence.endswith(" points more of these 72 questions rightly than base.")


def test_what_can_not_be_told_says_how_many_questions_would():
    one, other = "1" * 30 + "0" * 30, "0" * 12 + "1" * 27 + "0" * 21
    (found,) = verdicts(rows(a=one, b=other), ["a", "b"])
    assert (found.only_first, found.only_second, found.told) == (12, 9, False)
    # Connor's formula with 23 of 62 pairs that differ: 1,163 for a difference of 5 points.
    assert found.more == 1163 - 60
    assert "No difference between a and b can be told on these 60 questions (5 ± " in found.sentence
    assert f"about {found.more:,} more are needed to tell one of" in found.sentence


def test_equal_columns_are_told_as_such():
    (one,) = verdicts(rows(a="110" * 20, b="110" * 20), ["a", "b"])
    assert (one.p, one.difference.value, one.looked_for) == (1.0, 0.0, 0.05)
    assert "they are right on the same of the 60 questions" in one.sentence


def test_a_large_exam_in_which_nothing_showed_needs_no_more():
    (one,) = verdicts(rows(a="1100" * 1000, b="1010" * 1000), ["a", "b"])
    assert not one.told and one.more == 0
    assert one.sentence.endswith("one of 5 points would probably have been.")


def test_retrieval_and_fine_tuning_are_compared_like_every_pair():
    marks = {"base": "0" * 40, "rag": "1" * 36 + "0" * 4, "finetuned · a": "0" * 28 + "1" * 12}
    made = verdicts(rows(**marks), list(marks))
    (one,) = (one for one in made if {one.first, one.second} == {"rag", "finetuned · a"})
    assert one.told and one.sentence.startswith("rag answers 60 ± ")
    assert one.sentence.endswith("questions rightly than finetuned · a.")


def test_several_comparisons_raise_the_p_values():
    made = verdicts(
        rows(a="1" * 8 + "0" * 22, b="1" * 2 + "0" * 28, c="1" * 5 + "0" * 25), ["a", "b", "c"]
    )
    assert [(one.first, one.second) for one in made] == [("a", "b"), ("a", "c"), ("c", "b")]
    surest = made[0]
    assert (surest.p, surest.p_together) == pytest.approx((2 / 64, 6 / 64))
    assert surest.compared == 3
    assert not surest.told and "3 comparisons counted" in surest.sentence
    assert "3 comparisons were made" in comparisons(made) and comparisons(made[:1]) == ""


def test_only_questions_that_both_answered_count():
    (one,) = verdicts(rows(a="111-", b="0-01"), ["a", "b"])
    assert one.questions == 2 and one.only_first == 2
    assert verdicts(rows(a="1-", b="-1"), ["a", "b"]) == []
    assert verdicts([], ["a"]) == []


def full(number, column, right, refused=False, unanswerable=False, answer="x"):
    return {
        "number": number,
        "column": column,
        "right": right,
        "refused": refused,
        "unanswerable": unanswerable,
        "expected": [] if unanswerable else ["y"],
        "question": f"Q{number}?",
        "empty": not answer,
        "repeating": False,
    }


def test_questions_are_filtered_by_who_was_right():
    made = [
        *(full(0, "rag", True), full(0, "base", False)),
        *(full(1, "rag", False, answer=""), full(1, "base", False)),
        *(full(2, "base", True, True, True), full(2, "rag", True, True, True)),
        *(full(3, "base", False, True), full(3, "rag", True)),
        full(4, "base", True),
    ]
    asked = by_question(made, ["base", "rag"])
    assert [list(one.rows) for one in asked[:2]] == [["base", "rag"]] * 2
    assert [one.expected for one in asked[1:3]] == ["y", "no answer"]
    chosen = {
        name: [one.number for one in asked if passes(one)]
        for name, passes in filters(["base", "rag"]).items()
    }
    assert chosen == {
        "All": [0, 1, 2, 3, 4],
        "Only base right": [4],
        "Only rag right": [0, 3],
        "All right": [2, 4],
        "All wrong": [1],
        "They disagree": [0, 3],
        "Unanswerable": [2],
        "Declined though answerable": [3],
        "Said nothing or repeats": [1],
    }
    assert "They disagree" not in filters(["base"])
