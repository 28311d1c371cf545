"""Documents with a fact swapped or taken out: whole words only, and the rest as it was."""

import pytest

from comparison.experiments.edit import as_page, holds, swapped, without
from rag_backend.parse.html import parse_html
from workbench.values import Block

ROW = Block("item: Amber; price: €48", cells=(("item", "Amber"), ("price", "€48")))

BORA = Block("item: Bora; price: €7", cells=(("item", "Bora"), ("price", "€7")))


@pytest.mark.parametrize(
    ("text", "form", "there"),
    [
        ("It has 31 days.", "31 days", True),
        ("It has 31\ndays.", "31 days", True),
        ("It has 131 days.", "31 days", False),
        ("It weighs 1,31 kg.", "31 kg", False),
        ("It weighs 31 kg.", "31", True),
        ("It weighs 31.5 kg.", "31", False),
        ("It costs €48.", "€48", True),
        ("It costs €480.", "€48", False),
        ("Twenty days.", "twenty days", True),
        ("Put on the harness.", "Harness", False),
        ("The portal Harness.", "Harness", True),
        ("a+b", "a.b", False),
    ],
)
def test_a_form_is_found_as_whole_words(text, form, there):
    assert holds(Block(text), [form]) is there


def test_all_is_swapped_at_once_and_the_longest_first():
    block = Block("The head of finance, Petra Lind, and Lind again; 40 days, then 35 days.")
    became = [
        ("Lind", "Solbach"),
        ("Petra Lind", "Henrike Solbach"),
        ("40 days", "35 days"),
        ("35 days", "23 days"),
    ]
    assert swapped(block, became).text == (
        "The head of finance, Henrike Solbach, and Solbach again; 35 days, then 23 days."
    )
    assert swapped(ROW, [("€48", "€7")]).cells == (("item", "Amber"), ("price", "€7"))
    assert swapped(ROW, [("€48", "€7")]).text == "item: Amber; price: €7"


def test_a_deleted_fact_takes_its_sentence_or_its_cell_and_nothing_else():
    blocks = [
        Block("Kites fly. There are 31 days of leave. It is paid."),
        Block("There are 31 days of leave."),
        Block("Nothing here."),
        ROW,
        Block("price: €48", cells=(("price", "€48"),)),
    ]
    left = without(blocks, ["31 days", "€48"])
    assert [block.text for block in left] == [
        "Kites fly. It is paid.",
        "Nothing here.",
        "item: Amber",
    ]
    assert not any(holds(block, ["31 days", "€48"]) for block in left)


def test_a_page_is_read_as_what_it_was_made_of():
    blocks = (
        Block("Before all headings."),
        Block("Tom & Jerry <b>bold</b> say “5 < 6”.", ("Kites",)),
        Block("- one\n- two", ("Kites", "Parts")),
        Block("item: Amber; price: €48", ("Kites", "Parts"), cells=ROW.cells),
        Block(
            "item: Bora; price: €7", ("Kites", "Parts"), cells=(("item", "Bora"), ("price", "€7"))
        ),
        Block("Back above.", ("Kites",)),
        Block("Q: Who?\nA: Nobody.", ("People",)),
    )
    assert parse_html(as_page(blocks), "kites.html").blocks == blocks
