"""Metrics, against cases worked by hand from SQuAD's definitions."""

import pytest

from comparison.metrics import (
    contains,
    exact_match,
    f1,
    macro_f1,
    normalize,
    number_match,
    percentile,
    refused,
    repeats,
    token_recall,
)


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


@pytest.mark.parametrize(
    ("answer", "accepted", "exact", "expected"),
    [
        # Worked by hand from the official script of SQuAD 2.0 (compute_exact, compute_f1).
        ("in the year 1912", ["1912", "the year of 1912"], 0.0, 2 * (2 / 3) * (2 / 3) / (4 / 3)),
        ("Saint Bernadette Soubirous!", ["saint bernadette soubirous"], 1.0, 1.0),
        ("a golden statue of the Virgin Mary", ["golden statue"], 0.0, 2 * (2 / 5) / (7 / 5)),
        ("an", ["the"], 1.0, 1.0),
        ("", ["Mary"], 0.0, 0.0),
    ],
)
def test_squad_official(answer, accepted, exact, expected):
    assert exact_match(answer, accepted) == exact
    assert f1(answer, accepted) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        ("The Eiffel one", ["the Eiffel tower"], 0.5),
        ("tower tower", ["Eiffel tower tower tower"], 0.5),
        ("Eiffel", ["the", "Eiffel"], 1.0),
        ("", ["Eiffel"], 0.0),
        ("x", ["the"], 0.0),
    ],
)
def test_token_recall(answer, accepted, expected):
    assert token_recall(answer, accepted) == expected


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        ("It costs 1,250.00 euros.", ["€1250"], 1.0),
        ("It opens at 06:40.", ["6:40 a.m."], 1.0),
        ("It opens at 6:45.", ["6:40 a.m."], 0.0),
        ("2,5 metres", ["2.50 m"], 1.0),
        ("From 3 to 7 days", ["7 to 3 days"], 1.0),
        ("From 3 days", ["7 to 3 days"], 0.0),
        ("131 days", ["31 days"], 0.0),
        ("31", ["thirty-one", "31"], 1.0),
        ("31", ["thirty-one"], None),
        ("", ["0"], 0.0),
        ("anything", [], None),
    ],
)
def test_number_match(answer, accepted, expected):
    assert number_match(answer, accepted) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("the cat sat on the mat " * 4, True),
        ("no no no no no no no no no no", True),
        ("no no no", False),
        ("Nadja Orsolt has been the managing director of Brindlecart since 2019.", False),
        ("", False),
    ],
)
def test_answers_that_only_repeat_are_recognised(answer, expected):
    assert repeats(answer) is expected


def test_percentiles_are_by_nearest_rank():
    assert [percentile([30, 10, 20, 40], percent) for percent in (0, 50, 51, 99)] == [
        *(10, 20, 30, 40)
    ]
    assert percentile([7], 95) == 7
