import time

import pytest

from finetune_backend.examples.find import find_examples
from workbench.values import Block


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


PRICES = (("chair", "20 euros"), ("table", "30 euros."), ("lamp", "5"))


# Marked questions and answers


@pytest.mark.parametrize(
    "text",
    [
        "Q: How long is it?\nA: Two days.",
        "Q: How long is it? A: Two days.",
        "Question: How long is it?\nAnswer: Two days.",
        "QUESTION 1: How long is it?\n\nANSWER 1: Two days.",
        "**Q:** How long is it?\n**A:** Two days.",
        "**Q: How long is it?**\r**A: Two days.**",
        "- Q1: How long is it?\n- A1: Two days.",
        "Introduction.\n  Q：How long is it?\n  A：Two days.",
    ],
)
def test_marked_pair_in_one_block(text):
    (example,) = find_examples("d.md", [Block(text)])
    assert (example.question, example.answer) == ("How long is it?", "Two days.")
    assert example.document == "d.md"
    assert example.fact.startswith("d.md#")
    assert "How long" in example.passage
    assert "Two days." in example.passage
    assert "Introduction" not in example.passage


def test_underscores_and_bullets_of_an_answer_stay():
    assert pairs([Block("Q: Which file?\nA: __init__")]) == [("Which file?", "__init__")]
    assert pairs([Block("Q: Which?\nA:\n* **a**\n* b *")]) == [("Which?", "* **a**\n* b *")]


def test_several_marked_pairs_in_one_block():
    text = "Q: One?\nA: First.\nStill first.\nQ: Two?\nQ: Three?\nA: Third.\nA: Not asked."
    assert pairs([Block(text)]) == [("One?", "First.\nStill first."), ("Three?", "Third.")]


def test_marked_pair_in_two_blocks():
    blocks = [Block("Question: Where?", ("H",)), Block("Answer: In Bonn.", ("H",))]
    (example,) = find_examples("d.md", blocks)
    assert (example.question, example.answer) == ("Where?", "In Bonn.")
    assert example.passage == "Question: Where?\nAnswer: In Bonn."


@pytest.mark.parametrize(
    "blocks",
    [
        [Block("Q: Where?"), Block("Something else."), Block("A: In Bonn.")],
        [Block("Q: Where?", ("One",)), Block("A: In Bonn.", ("Two",))],
        [Block("Q: Where?"), Block("First this.\nA: In Bonn.")],
        [Block("A: In Bonn."), Block("Q: Where?")],
        [Block("Q: Where?"), Block("A:")],
        [Block("Q:"), Block("A: In Bonn.")],
        [Block("The FAQ: none. Vitamin A: good. Plan Q: bad")],
        [Block("Q: Is drive A: the floppy")],
        [Block("Q: Where?"), *table(("A", "B"), ("In Bonn", "yes"))],
    ],
)
def test_what_is_not_a_marked_pair(blocks):
    assert pairs(blocks) == []


# Headings that are questions


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("How do I pay?", "How do I pay?"),
        ("3. How do I pay?", "How do I pay?"),
        ("3.2 How do I pay?", "How do I pay?"),
        ("Q: How do I pay?", "How do I pay?"),
        ("**How do I pay?** ¶", "How do I pay?"),
        ("多少钱？", "多少钱？"),
        ("Is 2.5 enough?", "Is 2.5 enough?"),
    ],
)
def test_question_heading(heading, question):
    blocks = [Block("Before.", ("FAQ",)), Block("By card.", ("FAQ", heading), page=3)]
    (example,) = find_examples("d.md", blocks)
    assert (example.question, example.answer) == (question, "By card.")
    assert example.passage == f"{heading}\nBy card."


@pytest.mark.parametrize("headings", [(), ("Payment",), ("How do I pay?", "By card"), ("Why?",)])
def test_what_is_not_a_question_heading(headings):
    assert pairs([Block("By card.", headings)]) == []


def test_only_the_text_directly_under_the_heading_answers():
    headings = ("How do I pay?",)
    blocks = [
        Block("By card.", headings),
        Block("Or cash.", headings),
        Block("Only VISA.", (*headings, "Cards")),
    ]
    assert pairs(blocks) == [("How do I pay?", "By card.\nOr cash.")]


def test_an_answer_is_cut_at_a_sentence_end_within_sixty_words():
    sentence = "This sentence, e.g. one here, has exactly ten words inside."
    blocks = [Block(" ".join([sentence] * 7), ("How so?",)), Block("More.", ("How so?",))]
    assert pairs(blocks) == [("How so?", " ".join([sentence] * 6))]


def test_nothing_follows_a_cut():
    sentence = "This sentence has eleven words, or so the author says here."
    headings = ("How so?",)
    blocks = [Block(" ".join([sentence] * 6), headings), Block("More.", headings)]
    assert pairs(blocks) == [("How so?", " ".join([sentence] * 5))]


def test_an_abbreviation_is_no_sentence_end():
    text = "Short one. Word " + " ".join(["word"] * 50) + " e.g. " + " ".join(["word"] * 20) + "."
    assert pairs([Block(text, ("How so?",))]) == [("How so?", "Short one.")]


def test_later_paragraphs_are_added_while_they_fit():
    short, long = "Two words.", " ".join(["word"] * 59) + "."
    headings = ("How so?",)
    assert pairs([Block(short, headings), Block(long, headings)]) == [("How so?", short)]
    (example,) = find_examples("d", [Block(short, headings), Block(long, headings)])
    assert example.passage == f"How so?\n{short}"


@pytest.mark.parametrize(("words", "kept"), [(120, True), (121, False)])
def test_a_long_first_sentence_is_kept_whole_or_not_at_all(words, kept):
    text = " ".join(["word"] * words)
    assert pairs([Block(text, ("How so?",))]) == ([("How so?", text)] if kept else [])


def test_chinese_text_is_cut_by_its_characters():
    assert pairs([Block("不需要。" * 30, ("需要付费吗？",))]) == [("需要付费吗？", "不需要。" * 15)]


def test_an_introduction_without_its_list_is_no_answer():
    headings = ("How so?",)
    long_list = "\n".join(f"- item {i} of the list" for i in range(40))
    assert pairs([Block("Do this:", headings), Block(long_list, headings)]) == []
    assert pairs([Block("Do this:", headings), Block("1. Pay\n2. Go", headings)]) == [
        ("How so?", "Do this:\n1. Pay\n2. Go")
    ]


def test_list_numbers_are_no_sentence_ends():
    items = "\n".join(f"{i}. Do the thing number {i} now." for i in range(1, 12))
    (example,) = find_examples("d.md", [Block(items, ("What now?",))])
    assert example.answer.endswith("number 8 now.")


def test_tables_and_marked_questions_under_a_question_heading_are_not_its_answer():
    heading = ("Any questions left?",)
    rows = [Block(one.text, heading, cells=one.cells) for one in table(("A", "B"), ("x", "y"))]
    assert pairs(rows) == []
    assert pairs([Block("Q: Where?\nA: In Bonn.", heading)]) == [("Where?", "In Bonn.")]
    assert pairs([Block("A: None.", heading)]) == [("Any questions left?", "None.")]


# All together


def test_reading_order_and_no_duplicates():
    blocks = [
        *table(("Item", "Price"), *PRICES),
        Block("By card.", ("How do I pay?",)),
        Block("Q: Where?\nA: In Bonn."),
        Block("Q: how do i PAY?\nA: by card."),
        *table(("Item", "Price"), *PRICES),
    ]
    found = pairs(blocks)
    assert len(found) == 11
    assert [question for question, _ in found[9:]] == ["How do I pay?", "Where?"]
    assert find_examples("d.md", blocks) == find_examples("d.md", blocks)


@pytest.mark.parametrize("order", [1, -1])
def test_a_question_answered_in_two_ways_is_left_out_with_all_its_wordings(order):
    blocks = [
        *table(("Item", "Price"), *PRICES),
        Block("Q: chair: price?\nA: Free."),
        Block("Two days.", ("A", "How long?")),
        Block("Ten days.", ("B", "How long?")),
    ]
    found = pairs(blocks[::order])
    assert len(found) == 6
    assert not any("chair" in question or "long" in question for question, _ in found)


def test_texts_over_the_limits_are_left_out():
    assert pairs([Block(f"Q: {'q' * 2_000}?\nA: yes")]) == []
    assert pairs([Block(f"Q: Where?\nA: {'a' * 4_001}")]) == []
    assert len(pairs([Block(f"Q: Where?\nA: {'a' * 4_000}")])) == 1


def test_control_characters_are_stripped():
    (example,) = find_examples("d.md", [Block("Q: Wh\x00ere?\r\nA: In\x07 Bonn.")])
    assert (example.question, example.answer) == ("Where?", "In Bonn.")


def test_nothing_gives_nothing():
    assert find_examples("d.md", []) == []
    assert find_examples("d.md", [Block(""), Block("", ("Is it so?",)), Block("Plain text.")]) == []


@pytest.mark.parametrize(
    "text",
    [
        ". " + " " * 50_000,
        "Q" + " " * 50_000,
        "." * 50_000,
        "*" * 50_000,
        "(" * 50_000,
        "Q: a?\n" * 10_000,
        "\n" * 50_000,
    ],
)
def test_hostile_text_takes_no_long_time(text):
    started = time.perf_counter()
    find_examples("d.md", [Block(text, ("How so?",)), *table((text, text), *PRICES)])
    assert time.perf_counter() - started < 1
