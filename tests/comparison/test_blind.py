"""Blind: chance gives the order, and every answer has the same plain form."""

import random
from collections import Counter

import pytest

from comparison.blind import DECLINED, letter, new_round, plain_form
from comparison.columns import Column
from rag_backend.answer.chain import NOT_ANSWERED, NOT_IN_DOCUMENTS

RED = "The kite is red."


def test_every_column_comes_to_every_place_about_equally_often():
    said = [(Column("base"), "a"), (Column("rag"), "b"), (Column("finetuned", "one"), "c")]
    draw, first = random.Random(0), Counter()
    for _ in range(600):
        shown = new_round("Q?", said, draw)
        assert dict(zip(shown.order, shown.texts, strict=True)) == dict(said)
        first[shown.order[0]] += 1
    assert len(first) == 3 and min(first.values()) > 160


def test_the_order_is_drawn_anew_for_every_question():
    said = [(Column("base", None, str(n)), "a") for n in range(8)]
    assert len({new_round("Q?", said).order for _ in range(5)}) > 1
    assert [letter(place) for place in (0, 1, 7)] == ["A", "B", "H"]


@pytest.mark.parametrize(
    "text",
    [
        RED,
        "**The kite is red.**",
        "- The kite is red.",
        "# The kite is `red`.\n\n---",
        "The kite is red [1].",
        "The kite is [red](http://example.com).",
        "Based on the text above, the kite is red.",
        "According to the document: the kite is red.",
        "The passage states that the kite is red.",
        "The kite is red. This is stated in the text above.",
        "The kite is red. The text does not mention its price.",
        "```\nThe kite is _red_.\n```",
        "  The kite is red.  ",
    ],
)
def test_marks_and_talk_of_the_text_are_gone(text):
    assert plain_form(text) == RED


@pytest.mark.parametrize(
    "text",
    [NOT_IN_DOCUMENTS, NOT_ANSWERED, "I don't know.", "The text does not say who made it."],
)
def test_whoever_declines_says_the_same(text):
    assert plain_form(text) == DECLINED


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("!!!", "!!!"),
        ("5 * 3 = 15", "5 * 3 = 15"),
        ("3. Mai 2026", "3. Mai 2026"),
        ("- 5 degrees", "- 5 degrees"),
        ("> 5 days", "> 5 days"),
        ("snake_case and __init__.py", "snake_case and init.py"),
        ("In the text box you type a name.", "In the text box you type a name."),
        ("The document must be signed.", "The document must be signed."),
        ("This is stated in the contract.", "This is stated in the contract."),
        ("1. Wood\n2. Paper\n3. String.", "Wood, Paper, String."),
        ("Materials:\n- Wood\n- Paper", "Materials: Wood, Paper"),
        ("<b>Kite</b> & :red[sail]", "<b>Kite</b> & :red[sail]"),
    ],
)
def test_what_an_answer_says_stays(text, kept):
    assert plain_form(text) == kept
