import pytest

from finetune_backend.examples.find import find_examples
from workbench.values import Block

PRICES = (("chair", "20 euros"), ("table", "30 euros."), ("lamp", "5"))


def pairs(blocks):
    return [(one.question, one.answer) for one in find_examples("d.md", blocks)]


def table(columns, *rows):
    return [
        Block(
            "; ".join(f"{column}: {cell}" for column, cell in zip(columns, row, strict=True)),
            cells=tuple(zip(columns, row, strict=True)),
        )
        for row in rows
    ]


def test_table_rows_are_asked_in_three_wordings_that_share_a_fact():
    examples = find_examples("d.md", table(("Item", "Price (EUR)"), *PRICES))
    assert [(one.question, one.answer) for one in examples[:3]] == [
        ("What is the price of chair?", "The price (EUR) of chair is 20 euros."),
        ("chair: price?", "The price (EUR) of chair is 20 euros."),
        ("Tell me the price of chair.", "The price (EUR) of chair is 20 euros."),
    ]
    assert len(examples) == 9
    assert len({one.fact for one in examples[:3]}) == 1
    assert len({one.fact for one in examples}) == 3
    assert examples[0].passage == "Item: chair; Price (EUR): 20 euros"
    assert examples[3].answer == "The price (EUR) of table is 30 euros."


def first_question(columns, row):
    examples = find_examples("d", table(columns, row, ("other one", "1x"), ("third one", "2x")))
    return examples[0].question, examples[0].answer


@pytest.mark.parametrize(
    ("columns", "row", "question", "answer"),
    [
        (
            ("Place", "Opening Hours"),
            ("Pool", "9–17"),
            "What are the opening hours of Pool?",
            "The opening hours of Pool are 9–17.",
        ),
        (
            ("Order", "STATUS"),
            ("B7", "sent"),
            "What is the status of B7?",
            "The status of B7 is sent.",
        ),
        (
            ("Year", "Revenue"),
            ("2021", "5 million"),
            "What is the revenue of year 2021?",
            "The revenue of year 2021 is 5 million.",
        ),
        (
            ("Service", "API Key"),
            ("Maps", "k1"),
            "What is the API key of Maps?",
            "The API key of Maps is k1.",
        ),
        (
            ("Term", "Meaning"),
            ("LoRA", "A way to train few weights beside many frozen ones."),
            "What is the meaning of LoRA?",
            "A way to train few weights beside many frozen ones.",
        ),
        (
            ("Symptom", "Remedy"),
            ("The printer does not start after a cut.", "Wait"),
            "What is the remedy of “The printer does not start after a cut”?",
            "The remedy of “The printer does not start after a cut” is Wait.",
        ),
        (("Field", "Required"), ("name", "yes"), "name: required?", "For name, “Required” is yes."),
        (
            ("Command", "What it does"),
            ("ls", "lists files"),
            "ls: what it does?",
            "For ls, “What it does” is lists files.",
        ),
        (("Berg", "Höhe"), ("Eiger", "3967"), "Eiger: Höhe?", "For Eiger, “Höhe” is 3967."),
        (("Question", "Answer"), ("Opening?", "At nine"), "Opening?", "At nine"),
        (("Topic", "Reply"), ("Can I pay?", "Yes"), "Can I pay?", "Yes"),
    ],
)
def test_wordings_suit_the_columns(columns, row, question, answer):
    assert first_question(columns, row) == (question, answer)


def test_a_table_needs_three_rows_of_the_same_columns_that_the_first_tells_apart():
    assert pairs(table(("Item", "Price"), *PRICES[:2])) == []
    split = [*table(("Item", "Price"), *PRICES[:2]), *table(("Item", "Cost"), *PRICES[2:])]
    assert pairs(split) == []
    wide = table(("Item", "Price", "Size"), ("a", "1x", "2x"), ("b", "3x", "4x"), ("c", "5x", "6x"))
    assert ("What is the size of b?", "The size of b is 4x.") in pairs(wide)
    assert len(pairs(wide)) == 3 * 2 * 3
    unclear = table(
        ("Item", "Price", "Size"), ("a", "1x", "2x"), ("a", "3x", "4x"), ("c", "5x", "6x")
    )
    assert pairs(unclear) == []
    apart = table(("Item", "Price"), *PRICES)
    apart.insert(1, Block("Text between."))
    assert len(pairs(apart)) == 9


@pytest.mark.parametrize(
    "row",
    [
        ("", "x"),
        ("lamp", ""),
        ("lamp", "–"),
        ("lamp", "n/a"),
        ("?", "x"),
        (" ".join(["word"] * 31), "x"),
    ],
)
def test_rows_that_say_nothing_are_left_out(row):
    rows = table(("Item", "Price"), *PRICES[:2], row)
    assert len(pairs(rows)) == 6


@pytest.mark.parametrize("columns", [("#", "Name"), ("No", ""), ("x" * 200, "Name")])
def test_columns_that_give_no_question(columns):
    assert pairs(table(columns, ("1", "Ada"), ("2", "Bob"), ("3", "Cy"))) == []
