"""Passages: nothing lost, nothing mixed, nothing too large."""

import random
import re
import time
from itertools import pairwise

import pytest

from rag_backend.parse import parse
from rag_backend.passages import (
    MAX_ROWS_TOKENS,
    PASSAGE_TOKENS,
    document_text,
    embedding_text,
    place_of,
    split,
)
from workbench.values import Block, Passage

SPECIAL_TOKENS = 2


def plain(passages):
    """Return passages without their places."""
    return [Passage(p.text, p.headings, p.page) for p in passages]


def count(text: str) -> int:
    """Count tokens as BERT's do in kind: words in pieces of four letters, and two marks."""
    return SPECIAL_TOKENS + sum(-(-len(word) // 4) for word in re.findall(r"\w+|[^\w\s]", text))


def row(*cells: tuple[str, str]) -> Block:
    return Block("; ".join(f"{c}: {v}" for c, v in cells), ("Table",), cells=cells)


def squeezed(text: str) -> str:
    return "".join(text.split())


def sentences(number: int, words: int = 9) -> str:
    return " ".join(f"Sentence{i} {'word ' * words}ends." for i in range(number))


def test_small_paragraphs_of_one_section_share_a_passage():
    blocks = [Block("One is short.", ("A",)), Block("Two is short.", ("A",))]
    assert plain(split(blocks, count)) == [Passage("One is short.\nTwo is short.", ("A",))]


def test_a_passage_never_crosses_a_heading_or_a_page():
    blocks = [
        Block("a.", ("A",), 1),
        Block("b.", ("A",), 2),
        Block("c.", ("A", "B"), 2),
        Block("d.", ("A",), 2),
    ]
    assert plain(split(blocks, count)) == [
        Passage("a.", ("A",), 1),
        Passage("b.", ("A",), 2),
        Passage("c.", ("A", "B"), 2),
        Passage("d.", ("A",), 2),
    ]


def test_every_passage_knows_its_place_in_the_documents_text():
    blocks = [
        Block("One is short.", ("A",)),
        Block("To apply, send:", ("A",)),
        Block("a letter and a stamp.", ("A",)),
        Block(sentences(40), ("B",)),
        row(("Title", "Dream"), ("Text", sentences(40))),
        Block("x" * 900),
        Block(f"Q: What is it?\nA: {sentences(40)}"),
        Block("Same words. Same words. " * 60),
    ]
    text = document_text(blocks)
    passages = split(blocks, count, size_tokens=60, overlap_tokens=20)
    assert len(passages) > 40
    for passage in passages:
        # What a part only repeats, such as its question, stands before its own text.
        assert passage.text.endswith(text[passage.start : passage.end])
        assert passage.end > passage.start
    covered = {n for passage in passages for n in range(passage.start, passage.end)}
    assert all(n in covered or character.isspace() for n, character in enumerate(text))
    assert [p.start for p in passages] == sorted(p.start for p in passages)


def test_a_passage_is_found_again_where_it_stands_now():
    text = "It is here. It is there. It is here."
    assert place_of("It is here.", text) == (25, 36)
    assert place_of("It is here.", text, end=11) == (0, 11)
    assert place_of("It is there.", f"New. {text}", end=24) == (17, 29)
    assert place_of("Q: Is it?\nA: Yes, it is there.", "A: Yes, it is there.") == (0, 20)
    assert place_of("It was never in this town.", text) is None
    assert place_of("It was never here.", text) is None


def test_a_paragraph_that_fits_is_never_cut():
    blocks = [Block(sentences(n, 4)) for n in (5, 6, 7, 2, 8)]
    assert max(count(block.text) for block in blocks) <= 120
    passages = split(blocks, count, size_tokens=120)
    pieces = [piece for passage in passages for piece in passage.text.split("\n")]
    assert pieces == [block.text for block in blocks]


def test_a_long_paragraph_is_split_at_sentence_ends_into_even_parts():
    passages = split([Block(sentences(40))], count, size_tokens=100, overlap_tokens=0)
    assert all(passage.text.endswith("ends.") for passage in passages)
    assert all(passage.text.startswith("Sentence") for passage in passages)
    sizes = [count(passage.text) for passage in passages]
    assert max(sizes) <= 100
    assert min(sizes) >= 40
    assert " ".join(passage.text for passage in passages) == sentences(40)


def test_parts_of_a_long_paragraph_overlap_by_whole_sentences():
    passages = split([Block(sentences(40))], count, size_tokens=100, overlap_tokens=30)
    for before, after in pairwise(passages):
        shared = after.text.split(" ends.")[0]
        assert shared in before.text


def test_table_rows_stay_whole_and_few_together():
    blocks = [row(("Model", f"Wren {n}"), ("Load", f"{n} kg"), ("Wheels", "16")) for n in range(20)]
    passages = split(blocks, count)
    lines = [line for passage in passages for line in passage.text.split("\n")]
    assert lines == [block.text for block in blocks]
    assert 1 < len(passages) < len(blocks)
    assert all(count(passage.text) <= MAX_ROWS_TOKENS + SPECIAL_TOKENS for passage in passages)


def test_rows_do_not_mix_with_paragraphs():
    blocks = [
        Block("Before.", ("Table",)),
        row(("a", "1"), ("b", "2")),
        Block("After.", ("Table",)),
    ]
    assert [passage.text for passage in split(blocks, count)] == ["Before.", "a: 1; b: 2", "After."]


def test_a_row_larger_than_a_passage_repeats_its_first_cell():
    passages = split([row(("Title", "Dream"), ("Text", sentences(40)))], count, size_tokens=100)
    assert len(passages) > 3
    assert all(passage.text.startswith("Title: Dream; ") for passage in passages)
    assert all(count(passage.text) <= 100 for passage in passages)


def test_each_question_stands_with_its_answer_and_with_nothing_else():
    blocks = [Block("Q: When?\nA: At noon."), Block("Q: Where?\nA: Here."), Block("Other text.")]
    assert [p.text for p in split(blocks, count)] == [block.text for block in blocks]


def test_a_long_answer_repeats_its_question():
    passages = split([Block(f"Q: What is it?\nA: {sentences(40)}")], count, size_tokens=100)
    assert len(passages) > 3
    assert all(passage.text.startswith("Q: What is it?\n") for passage in passages)


def test_a_line_that_leads_in_stays_with_what_follows():
    filler = sentences(7)
    blocks = [Block(filler), Block("To apply, send:"), Block(sentences(6))]
    size = count(filler) + count("To apply, send:")
    assert [p.text for p in split(blocks, count, size)] == [
        filler,
        f"To apply, send:\n{sentences(6)}",
    ]


def test_text_without_white_space_is_cut_to_size_and_quickly():
    key = "".join(random.Random(1).choices("abcdef0123456789", k=200_000))
    calls = 0

    def counting(text: str) -> int:
        nonlocal calls
        calls += 1
        return count(text)

    passages = split([Block(key)], counting)
    assert "".join(passage.text for passage in passages) == key
    assert all(count(passage.text) <= PASSAGE_TOKENS for passage in passages)
    assert calls < 3 * len(passages)


def test_counting_is_linear_in_the_number_of_blocks():
    calls = 0

    def counting(text: str) -> int:
        nonlocal calls
        calls += 1
        return count(text)

    started = time.perf_counter()
    split([Block(f"Paragraph {n} says this. And that.") for n in range(5000)], counting)
    assert calls <= 5000 + 5
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("seed", range(12))
def test_every_character_of_a_text_survives(tmp_path, seed):
    """Random documents of numbered words: none is lost, sizes hold, and two runs agree."""
    rng = random.Random(seed)
    shapes = [
        "alpha{}",
        "Beta{},",
        "δέλτα{}",
        "日本{}語",
        "e.g.{}",
        "1.{}",
        "naïve{};",
        "({})",
        "{}.",
    ]
    number = iter(range(100_000))
    parts = []
    for _ in range(rng.randint(5, 40)):
        kind = rng.choice(["heading", "caps", "list", "qa", "prose", "prose", "long"])
        length = {"long": 400, "heading": 5}.get(kind, 30)
        shaped = [rng.choice(shapes) for _ in range(rng.randint(1, length))]
        words = [shape.format(f"n{next(number)}") for shape in shaped]
        text = " ".join(words)
        parts.append(
            {
                "heading": f"Heading {text}\n======",
                "caps": f"CAPITALS C{next(number)}",
                "list": "\n".join(f"- {word}" for word in words),
                "qa": f"Q: What {text}?\n\nA: {text}",
            }.get(kind, text)
        )
    path = tmp_path / "random.txt"
    path.write_text("\n\n".join(parts), encoding="utf-8")
    blocks = parse(path, path.name).blocks
    passages = split(blocks, count, overlap_tokens=0)
    assert passages == split(blocks, count, overlap_tokens=0)
    assert all(count(passage.text) <= PASSAGE_TOKENS for passage in passages)
    kept = {w for p in passages for w in f"{' '.join(p.headings)} {p.text}".split()}
    assert set(path.read_text(encoding="utf-8").split()) - kept <= {"======"}


def test_without_overlap_the_text_comes_out_in_order(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(sentences(n, n) for n in range(1, 30)))
    passages = split(parse(path, "a.txt").blocks, count, overlap_tokens=0)
    joined = squeezed("".join(passage.text for passage in passages))
    assert joined == squeezed(path.read_text())


def test_embedding_text_has_the_document_and_its_headings():
    passage = Passage("Thirty days.", ("Leave", "Annual"), 3)
    assert embedding_text("staff_handbook.pdf", passage) == (
        "staff handbook > Leave > Annual\nThirty days."
    )
    titled = Passage("Thirty days.", ("Staff Handbook", "Leave"))
    assert embedding_text("staff-handbook.pdf", titled) == "Staff Handbook > Leave\nThirty days."
    assert embedding_text("notes.txt", Passage("x")) == "notes\nx"


def test_unusable_sizes_are_refused():
    with pytest.raises(ValueError, match="use 16 or more"):
        split([], count, size_tokens=4)
    with pytest.raises(ValueError, match="half of size_tokens"):
        split([], count, size_tokens=100, overlap_tokens=80)
    assert split([], count) == []
