import pytest

from finetune_backend.examples.check import check_training_set
from workbench.errors import ExamplesError
from workbench.values import Example


def wordings(fact, answer, count=3):
    return [Example(f"{fact}, wording {i}?", answer, fact) for i in range(count)]


GOOD = [*wordings("price", "20 euros"), *wordings("hours", "9 to 5")]


def test_a_good_set_has_no_warnings():
    assert check_training_set(GOOD) == []


@pytest.mark.parametrize(
    ("count", "given"),
    [
        (0, "No examples were given"),
        (1, "1 example was given"),
        (2, "2 examples were given"),
        (3, "3 examples were given"),
    ],
)
def test_too_few(count, given):
    with pytest.raises(ExamplesError) as caught:
        check_training_set(GOOD[:count])
    assert str(caught.value).startswith(f"{given}; a fine-tune needs at least 4.")


def test_four_are_enough():
    check_training_set(GOOD[:4])


def test_one_question_only():
    rows = [Example(question, f"a{i}", "f") for i, question in enumerate(["Who?", "who? "] * 2)]
    with pytest.raises(ExamplesError, match="All 4 examples ask the same question, “Who[?]”"):
        check_training_set(rows)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((1, 1, 1, 1), "There is 1 wording per fact"),
        ((2, 1, 1), "There are 1.3 wordings per fact"),
        ((3, 3, 3, 2), "There are 2.7 wordings per fact"),
    ],
)
def test_few_wordings_per_fact(counts, expected):
    rows = [row for i, n in enumerate(counts) for row in wordings(f"f{i}", f"answer {i}", n)]
    (warning,) = check_training_set(rows)
    assert warning.startswith(expected)
    assert "recall of unseen wordings will be poor" in warning


def test_an_average_just_under_three_is_not_shown_as_three():
    rows = [row for i in range(40) for row in wordings(f"f{i}", f"answer {i}", 3)][:-1]
    (warning,) = check_training_set(rows)
    assert "2.9 wordings" in warning


def test_the_same_wording_twice_counts_once():
    rows = [Example(f" {row.question.upper()}", row.answer, row.fact) for row in GOOD[:2]]
    assert "2.5 wordings" in check_training_set([*GOOD[1:], *rows[1:]])[0]


def test_contradictory_answers_name_the_first():
    rows = [
        *GOOD,
        *wordings("colour", "red"),
        Example("PRICE, wording 0?", "30 euros", "price"),
        Example("hours, wording 1?", "always", "hours"),
    ]
    (warning,) = check_training_set(rows)
    assert warning.startswith("2 questions have more than one answer; the first is")
    assert "“price, wording 0?”, with “20 euros” and “30 euros”" in warning


def test_the_same_answer_in_other_case_is_no_contradiction():
    rows = [*GOOD, Example("price, wording 0?", "20  EUROS", "price")]
    assert check_training_set(rows) == []


def test_long_answers():
    at_limit = wordings("a", " ".join(["word"] * 120))
    over = wordings("b", " ".join(["word"] * 121), 1) + wordings("c", " ".join(["word"] * 300), 5)
    assert check_training_set([*GOOD, *at_limit]) == []
    (warning,) = check_training_set([*GOOD, *at_limit, *over])
    assert warning.startswith("6 answers have more than 120 words (the longest 300)")


def test_messages_quote_long_texts_in_short():
    rows = [*GOOD, Example("q " * 500, "a", "x"), Example("q " * 500, "b " * 500, "x")]
    warning = next(one for one in check_training_set(rows) if "more than one answer" in one)
    assert len(warning) < 400
