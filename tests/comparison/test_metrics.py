"""Metrics, against cases worked by hand from SQuAD's definitions."""

import pytest

from comparison.metrics import contains, exact_match, f1, macro_f1, normalize, refused


def test_normalisation_drops_case_punctuation_articles_and_space():
    assert normalize("  The  Quick, brown-fox; a “test”. ") == "quick brownfox test"


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        ("The Eiffel Tower.", ["Eiffel tower"], 1.0),
        ("Eiffel", ["Eiffel tower"], 0.0),
        ("", ["Eiffel tower"], 0.0),
        ("two", ["2", "two"], 1.0),
    ],
)
def test_exact_match(answer, accepted, expected):
    assert exact_match(answer, accepted) == expected


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        # 2 words in common; precision 2/4, recall 2/2.
        ("It is Eiffel tower", ["the Eiffel tower"], 2 * 0.5 * 1 / 1.5),
        # Repeated words count once each: common 1, precision 1/3, recall 1.
        ("tower tower tower", ["tower"], 2 * (1 / 3) * 1 / (4 / 3)),
        ("nothing", ["Eiffel tower"], 0.0),
        ("x y", ["y z", "x y"], 1.0),
    ],
)
def test_f1(answer, accepted, expected):
    assert f1(answer, accepted) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        ("You have 31 days of leave.", ["31 days"], 1.0),
        ("You have 131 days of leave.", ["31 days"], 0.0),
        ("It costs €749.", ["749 euros", "€749"], 1.0),
        ("anything", ["the"], 0.0),
    ],
)
def test_contains_looks_at_whole_words(answer, accepted, expected):
    assert contains(answer, accepted) == expected


@pytest.mark.parametrize(
    "answer",
    ["", "  ", "I don't know.", "The text does not say.", "That is not mentioned in the text."],
)
def test_refusals_are_recognised(answer):
    assert refused(answer)


@pytest.mark.parametrize("answer", ["31 days.", "Nobody knows the colour of it: vermilion."])
def test_answers_are_not_refusals(answer):
    assert not refused(answer)


def test_macro_f1_weighs_labels_alike():
    # Worked by hand: "lost card" 2·2/(3+2) = 0.8, "fee" 2·1/(1+2) = 2/3, "limit" 0.
    pairs = [("lost card", "lost card"), ("Lost card.", "lost card"), ("lost card", "fee")]
    pairs += [("fee", "fee"), ("other", "limit")]
    assert macro_f1(pairs) == pytest.approx((0.8 + 2 / 3 + 0) / 3)
