import random
import time

import pytest

from finetune_backend.examples.same_question import asked, joined, same_questions, spoken

SAME = [
    ("When does the workshop close?", "when DOES the workshop close"),
    ("What is the price of the chair?", "Tell me the price of a chair."),
    ("What are the workshop's opening hours?", "opening hours of the workshop?"),
    ("¿Cuál es el precio de la silla?", "Precio de la silla"),
    ("Was kostet die Reparatur?", "was kostet die  Reparatur"),
    ("東京の人口は?", "東京の人口は？"),
    ("किताब कहाँ है?", "किताब कहाँ है"),
    (
        "How long is the guarantee on the frame of a red trailer?",
        "How long is the guarantee on the frame of a trailer?",
    ),
    ("???", "???"),
]
OTHER = [
    ("What is the price of the chair?", "What is the price of the table?"),
    ("Who founded Marlow Kites?", "When was Marlow Kites founded?"),
    ("Is smoking allowed?", "Is smoking not allowed?"),
    ("What is C?", "What is C#?"),
    ("What is C?", "What is C++?"),
    ("What is vitamin A?", "What is vitamin D?"),
    ("How hot is 3.5?", "How hot is 5.3?"),
    ("How is it at -5 degrees?", "How is it at 5 degrees?"),
    ("What happened in 1914?", "What happened in 1918?"),
    ("कल क्या हुआ?", "काल क्या हुआ?"),
    (
        "How many working days does a delivery to the depot in Austria take?",
        "How many working days does a delivery to the depot in Germany take?",
    ),
    ("???", "!"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question_is_found_from_both_sides(one, other):
    assert same_questions([one], [other]) == {0: 0}
    assert same_questions([other], [one]) == {0: 0}
    assert joined([one, other]) == [0, 0]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_question_is_not_the_same(one, other):
    assert same_questions([one], [other]) == {}
    assert same_questions([other], [one]) == {}
    assert joined([one, other]) == [0, 1]


def test_the_first_place_counts():
    found = same_questions(["B?", "A?", "C?"], ["a", "b", "A!"])
    assert found == {0: 1, 1: 0}


def test_what_asks_the_same_as_one_of_them_belongs_to_them_all():
    chain = [
        "one two three four five six seven",
        "one two three four five six seven eight",
        "one two three four five six seven eight nine",
        "ten",
    ]
    assert same_questions(chain[:1], chain[2:3]) == {}
    assert joined(chain) == [0, 0, 0, 3]
    assert joined(chain[::-1]) == [0, 1, 1, 1]


def slowly_same(one, other):
    a, b = sorted((asked(one), asked(other)), key=len)
    return a == b or (len(b) >= 6 and len(b - a) == 1 and a < b)


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_comparing_every_pair_finds(seed):
    rng = random.Random(seed)
    vocabulary = [f"w{n}x" for n in range(9)] + ["the", "of", "what"]
    these, those = (
        [" ".join(rng.choices(vocabulary, k=rng.randint(0, 9))) for _ in range(60)]
        for _ in range(2)
    )
    expected = {}
    for place, one in enumerate(these):
        for at, other in enumerate(those):
            if slowly_same(one, other):
                expected.setdefault(place, at)
    assert expected
    assert same_questions(these, those) == expected


def test_small_words_alone_are_a_question_too():
    assert spoken("What is the?") == ("what",)
    assert asked("What is?") == {"what"}
    assert same_questions(["What is?"], ["Which are?"]) == {}


def test_fifty_thousand_questions_take_seconds():
    rng = random.Random(0)
    words = [f"word{n}" for n in range(3_000)]
    questions = [" ".join(rng.choices(words, k=14)) for _ in range(50_000)]
    # The worst that a file can hold: all alike but for one word.
    questions += [f"one two three four five six seven eight {n}" for n in range(5_000)]
    started = time.perf_counter()
    assert len(set(joined(questions))) > 50_000
    assert time.perf_counter() - started < 30
