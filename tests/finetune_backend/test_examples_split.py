import json
import random
from collections import Counter

import pytest

from finetune_backend.examples.clean import find_faults
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.same_question import same_questions
from finetune_backend.examples.split import Split, split, to_exam, usual_by
from finetune_backend.settings import TrainSettings
from workbench.errors import ExamplesError
from workbench.values import Example


def made_up(seed, facts=60, documents=9):
    """Facts with some wordings each, in documents or none; some share a question."""
    rng = random.Random(seed)
    names = [f"thing{rng.randrange(facts * 3)}" for _ in range(facts)]
    rows = []
    for number, name in enumerate(names):
        document = rng.choice([*(f"d{n}.md" for n in range(documents)), None])
        asked = rng.sample(
            [f"What is the price of {name}?", f"{name}: how long?", f"Who has {name}?"],
            k=rng.randint(1, 3),
        )
        rows += [Example(one, f"A{number}.", f"fact{number}", document) for one in asked]
    rng.shuffle(rows)
    return rows


def parts_of(made):
    return made.train, made.validation, made.test


@pytest.mark.parametrize("by", ["fact", "document"])
@pytest.mark.parametrize("seed", range(25))
def test_nothing_is_lost_and_nothing_parted(by, seed):
    examples = made_up(seed, documents=30 if by == "document" else 9)
    made = split(examples, by, seed=seed)
    assert Counter(one for part in parts_of(made) for one in part) == Counter(examples)
    for part in parts_of(made):
        assert part
        places = [examples.index(one) for one in part]
        assert places == sorted(places)
    for name in ("fact", "document") if by == "document" else ("fact",):
        held = [{getattr(one, name) for one in part} - {None} for part in parts_of(made)]
        assert sum(map(len, held)) == len(set().union(*held))


@pytest.mark.parametrize("by", ["fact", "document"])
@pytest.mark.parametrize("seed", range(25))
def test_no_test_wording_is_trained_on(by, seed):
    made = split(made_up(seed, documents=30), by, seed=seed)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        these, those = (
            [example.question for example in parts_of(made)[part]] for part in (one, other)
        )
        assert same_questions(these, those) == {}
    tested = [example.question for example in made.test]
    faults = find_faults(made.train, TrainSettings(), held_out=tested)
    assert "held_out" not in {fault.kind for fault in faults}


def test_facts_that_share_a_question_stay_together():
    pairs = [
        Example(f"{ask} {n}?", f"{ask} {n}.", f"{ask} {n}")
        for n in range(20)
        for ask in ("What is the price of", "price of the")
    ]
    for seed in range(20):
        made = split(pairs, seed=seed)
        for part in parts_of(made):
            numbers = Counter(one.question.split()[-1] for one in part)
            assert set(numbers.values()) == {2}


def test_the_same_seed_gives_the_same_parts_and_another_gives_others():
    examples = made_up(1)
    assert split(examples, seed=4) == split(examples, seed=4)
    assert len({split(examples, seed=seed).test for seed in range(10)}) > 5


def test_parts_have_about_their_shares():
    examples = [Example(f"Q{n}w{w}?", f"{n}.", str(n)) for n in range(200) for w in range(3)]
    made = split(examples, shares=(0.7, 0.2, 0.1))
    assert [len(part) for part in parts_of(made)] == [420, 120, 60]
    made = split(examples, shares=(0.5, 0, 0.5))
    assert [len(part) for part in parts_of(made)] == [300, 0, 300]


def test_a_large_group_is_trained_on_and_every_part_gets_one():
    large = [Example(f"Q{n} of one?", f"{n}.", "large") for n in range(80)]
    small = [Example(f"Question {n}?", f"{n}.", str(n)) for n in range(20)]
    assert set(split([*small, *large]).train) >= set(large)
    three = [Example(f"Question {n} w{w}?", f"{n}.", str(n)) for n in range(3) for w in range(9)]
    assert [len(part) for part in parts_of(split(three))] == [9, 9, 9]


@pytest.mark.parametrize(
    ("examples", "options", "said"),
    [
        ([], {}, "into 0 groups of facts that share no question; at least 3"),
        ([Example("A?", "a", "f"), Example("B?", "b", "f")], {}, "into 1 group of facts"),
        (
            [Example(f"{n}?", f"{n}", str(n), "d.md") for n in range(9)],
            {"by": "document"},
            "1 group of documents .* or split by fact",
        ),
        (made_up(0), {"shares": (0.5, 0.5)}, "The shares are 0.5, 0.5"),
        (made_up(0), {"shares": (0.5, 0.5, 0.5)}, "add up to 1"),
        (made_up(0), {"shares": (0, 0.5, 0.5)}, "something to train on"),
        (made_up(0), {"shares": (1.5, -0.5, 0)}, "from 0 to 1"),
        (made_up(0), {"shares": (float("nan"), 0.5, 0.5)}, "The shares are nan"),
    ],
)
def test_what_cannot_be_split_is_told(examples, options, said):
    with pytest.raises(ExamplesError, match=said):
        split(examples, **options)


def test_an_unknown_way_is_named():
    with pytest.raises(ValueError, match="one of fact, document"):
        split(made_up(0), by="row")


def test_a_large_set_is_split_in_seconds():
    examples = [Example(f"Question {n}?", f"{n}.", str(n // 3)) for n in range(50_000)]
    made = split(examples)
    assert isinstance(made, Split) and len(made.test) == pytest.approx(5_000, abs=3)


def test_exams_ask_a_question_once_with_all_its_answers():
    text = to_exam(
        [
            Example("Who?", "Ada\u2028L.", "f", "d.md"),
            Example("who? ", "Bob", "g"),
            Example("Who?", "Bob", "g"),
            Example("Why?", "So.", "h"),
        ]
    )
    assert [json.loads(line) for line in text.split("\n")[:-1]] == [
        {"question": "Who?", "answers": ["Ada\u2028L.", "Bob"], "fact": "f", "document": "d.md"},
        {"question": "Why?", "answers": ["So."], "fact": "h"},
    ]


def tickets(**rows):
    """Tickets with as many rows for each label; their facts are derived, as those of a file are."""
    lines = [
        f"My ticket {label} {n} of {n + 7}?,{label}" for label in rows for n in range(rows[label])
    ]
    return read_examples("\n".join(["question,answer", *lines]).encode(), "a.csv").examples


def test_each_part_has_every_label_that_can_be_parted():
    examples = tickets(billing=20, delivery=20, refund=10, rare=2)
    made = split(examples, "label")
    counts = [Counter(one.answer for one in part) for part in parts_of(made)]
    assert counts == [
        {"billing": 16, "delivery": 16, "refund": 8, "rare": 2},
        {"billing": 2, "delivery": 2, "refund": 1},
        {"billing": 2, "delivery": 2, "refund": 1},
    ]
    assert Counter(one for part in parts_of(made) for one in part) == Counter(examples)
    assert split(examples, "label") == made != split(examples, "label", seed=1)
    rows = [json.loads(line) for line in to_exam(made.test, made.labels).splitlines()]
    assert {tuple(row["options"]) for row in rows} == {("billing", "delivery", "rare", "refund")}
    with pytest.raises(ExamplesError, match="No label has more than 2 questions that differ"):
        split(tickets(yes=2, no=2), "label")


def test_a_question_of_a_label_is_never_in_two_parts():
    twice = [
        *tickets(yes=20),
        *(Example(f"{n} of ticket yes {n + 7}, my?", "no", "x") for n in range(20)),
    ]
    made = split(twice, "label")
    asked = [
        {"".join(filter(str.isdigit, one.question)) for one in part} for part in parts_of(made)
    ]
    assert sum(map(len, asked)) == len(set().union(*asked))


def test_labels_are_told_from_facts():
    assert usual_by(tickets(yes=5, no=5)) == "label"
    assert usual_by(tickets(yes=5, no=4)) == "fact"
    assert (
        usual_by([*tickets(yes=5), *(Example(f"Q{n}?", "no", "named") for n in range(5))]) == "fact"
    )
    long = [f"Q {n}?,It is the answer to all of these." for n in range(9)]
    assert (
        usual_by(read_examples("\n".join(["question,answer", *long]).encode(), "a.csv").examples)
        == "fact"
    )
    assert usual_by([]) == "fact"
