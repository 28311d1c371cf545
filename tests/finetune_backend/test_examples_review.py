import dataclasses
import random

import pytest

from finetune_backend.examples.read import from_rows, read_examples
from finetune_backend.examples.review import (
    answer_spans,
    matching,
    merged,
    to_train_on,
    with_status,
)
from finetune_backend.examples.store import add_examples, change_examples, list_examples
from finetune_backend.examples.write import to_csv, to_jsonl
from workbench.home import open_home
from workbench.storage import Database
from workbench.values import STATUSES, Example

ROWS = [
    Example("Who?", "Ada.", "who", "a.md", "Ada it is.", "approved"),
    Example("When?", "In MAY.", "when", None, "", "waiting"),
    Example("Where?", "Here.", "where", "a.md", "Here.", "rejected"),
    Example("Why?", "So.", "may-be", "b.md", "So.", "waiting"),
]


def test_rejected_examples_are_not_trained_on():
    assert to_train_on(ROWS) == [ROWS[0], ROWS[1], ROWS[3]]
    assert to_train_on(ROWS, approved_only=True) == [ROWS[0]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"status": "waiting"}, [1, 3]),
        ({"text": "may"}, [1, 3]),
        ({"text": " WHO? "}, [0]),
        ({"documents": ["a.md"]}, [0, 2]),
        ({"documents": [None, "b.md"]}, [1, 3]),
        ({"status": "rejected", "text": "here", "documents": ["a.md"]}, [2]),
        ({"text": "nothing has this"}, []),
    ],
)
def test_filters(options, expected):
    assert matching(ROWS, **options) == expected


def test_a_status_is_changed_for_some():
    changed = with_status(ROWS, [1, 2], "approved")
    assert [one.status for one in changed] == ["approved", "approved", "approved", "waiting"]
    assert [dataclasses.replace(one, status="") for one in changed] == [
        dataclasses.replace(one, status="") for one in ROWS
    ]


def test_what_a_filter_hides_survives_an_edit():
    edited = [
        (3, {**dataclasses.asdict(ROWS[3]), "answer": "Therefore.", "place": 3}),
        (None, {"question": "New?", "answer": "Yes.", "status": "waiting", "document": None}),
    ]
    read = from_rows(merged(ROWS, [1, 3], edited))
    assert read.rejected == ()
    assert read.examples == (
        ROWS[0],
        ROWS[2],
        dataclasses.replace(ROWS[3], answer="Therefore."),
        Example("New?", "Yes.", read.examples[3].fact, status="waiting"),
    )


@pytest.mark.parametrize("seed", range(20))
def test_any_filter_and_edit_keeps_the_others(seed):
    rng = random.Random(seed)
    examples = [
        Example(f"Q{n}?", f"A{n}.", f"f{n}", status=rng.choice(STATUSES)) for n in range(30)
    ]
    shown = matching(examples, rng.choice([None, *STATUSES]), rng.choice(["", "1", "q2"]))
    deleted = set(rng.sample(shown, len(shown) // 3))
    edited = [
        (place, {**dataclasses.asdict(examples[place]), "answer": f"B{place}."})
        for place in shown
        if place not in deleted
    ]
    read = from_rows(merged(examples, shown, edited))
    expected = [
        dataclasses.replace(one, answer=f"B{place}.") if place in shown else one
        for place, one in enumerate(examples)
        if place not in deleted
    ]
    assert list(read.examples) == expected


@pytest.mark.parametrize(("write", "name"), [(to_csv, "a.csv"), (to_jsonl, "a.jsonl")])
def test_a_status_is_written_and_read_again(write, name):
    rows = tuple(dataclasses.replace(one, passage="") for one in ROWS)
    assert read_examples(write(rows).encode(), name).examples == rows
    assert "status" not in write(rows[:1])


@pytest.mark.parametrize("status", ["open", "", None, 3, ["rejected"]])
def test_another_status_of_somebody_elses_file_says_nothing(status):
    row = {"question": "Q?", "answer": "a", "status": status}
    assert from_rows([(1, row)]).examples[0].status == "approved"


def test_a_rejected_example_is_kept_and_does_not_come_back(tmp_path):
    database = Database(open_home(tmp_path))
    change_examples(database, list_examples(database), ROWS)
    again = [dataclasses.replace(one, status="waiting") for one in ROWS]
    assert add_examples(database, again) == 0
    assert list_examples(database) == ROWS
    database.close()


@pytest.mark.parametrize(
    ("passage", "answer", "expected"),
    [
        ("The kite is vermilion red.", "The flagship kite is red.", ["kite", "red"]),
        ("It opens at 6:40, not before.", "6:40", ["6:40"]),
        ("Ottilie Brandt founded it.", "It was Ottilie Brandt.", ["Ottilie Brandt", "it"]),
        ("Nothing here.", "Else", []),
        ("", "Else", []),
        ("東京の人口", "東京", ["東京"]),
    ],
)
def test_the_words_of_an_answer_are_found_in_its_passage(passage, answer, expected):
    assert [passage[start:end] for start, end in answer_spans(passage, answer)] == expected
