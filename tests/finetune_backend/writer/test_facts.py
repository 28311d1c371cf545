"""What a paragraph says that could be asked for."""

import itertools

import pytest

from finetune_backend.writer.facts import Fact, facts_named, find_facts, sentence_answers


def answers(text):
    return [fact.answer for fact in find_facts(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("The hall was built on 12 March 1926.", ["12 March 1926"]),
        ("Fire drills take place in March and October.", ["March and October"]),
        ("Each tyre of the kite buggy needs 3.2 bar.", ["3.2 bar"]),
        ("The company pays 44 cents per kilometre.", ["44 cents per kilometre"]),
        ("The Pelican costs €1,180 in the shop.", ["€1,180"]),
        ("The guarantee lasts nine years.", ["nine years"]),
        ("A note is needed from the fourth day on.", ["fourth day"]),
        ("The workshop is led by Henrike Solbach.", ["Henrike Solbach"]),
        ("Refurbished kites are sold as “Second Spring”.", ["Second Spring"]),
        ("The deck of every buggy is made of poplar.", ["poplar"]),
        ("Its code is LN-207.", ["LN-207"]),
    ],
)
def test_numbers_dates_names_and_what_things_are(text, expected):
    assert set(expected) <= set(answers(text))


def test_nothing_overlaps_and_everything_stands_in_its_sentence():
    text = (
        "Ottilie Brandt founded Marlow Kites in May 1999. It has 31 employees in two halls, and "
        "its kites are made of silk. Why silk? These are the reasons:"
    )
    found = find_facts(text)
    assert {"May 1999", "31 employees", "Ottilie Brandt", "Marlow Kites"} <= {
        f.answer for f in found
    }
    for fact in found:
        assert fact.answer in fact.sentence in text
        assert not fact.sentence.endswith(("?", ":"))
    sentences = {fact.sentence for fact in found}
    for sentence in sentences:
        spans = sorted(
            (sentence.find(f.answer), len(f.answer)) for f in found if f.sentence == sentence
        )
        for (start, length), (following, _) in itertools.pairwise(spans):
            assert start + length <= following


def test_the_mark_of_an_answer_is_no_part_of_it():
    (fact,) = find_facts("Q: When? A: Nobody knows.\nA: The kite of silk is 7 years old.")[-1:]
    assert fact == Fact("7 years", "The kite of silk is 7 years old.")


def test_only_answers_that_stand_in_the_text_are_facts():
    text = "The kite is red. It was made in 1999."
    assert facts_named(["1999", "blue", "", "red"], text) == [
        Fact("red", "The kite is red."),
        Fact("1999", "It was made in 1999."),
    ]


def test_a_sentence_answers_where_it_names_its_subject():
    assert sentence_answers(Fact("red", "The kite is red."))
    assert not sentence_answers(Fact("1999", "It was made in 1999."))
    assert not sentence_answers(Fact("red", "The kite is red" + " and red" * 40 + "."))


@pytest.mark.parametrize(
    "text", ["", " \n ", "?!", "日本語のテキストです。", "«»", "a" * 5000, "1" * 5000]
)
def test_odd_text_is_no_trouble(text):
    for fact in find_facts(text):
        assert fact.answer in text
