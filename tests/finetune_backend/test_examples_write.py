import csv
import io
import json
import random

import pytest

from finetune_backend.examples.read import read_examples
from finetune_backend.examples.wording import clean, fold
from finetune_backend.examples.write import protect_cell, to_csv, to_jsonl, unprotect_cell
from workbench.values import Example

WRITERS = [(to_csv, "a.csv"), (to_jsonl, "a.jsonl")]


def nasty_examples(seed):
    """Texts made of everything that CSV, JSON and spreadsheets treat specially."""
    rng = random.Random(seed)
    pieces = [*"=+-@'\"`,;:|\\/ #{}[]", "\t", "\n", "a", "É", "日本", "😀", "\u2028", "''", '""']

    def text(prefix=""):
        return clean(prefix + "".join(rng.choices(pieces, k=rng.randint(1, 9))) + "x")

    seen, examples = set(), []
    for number in range(60):
        example = Example(text(), text(), text(), text() if number % 2 else None)
        key = (fold(example.question), fold(example.answer))
        if key not in seen:
            seen.add(key)
            examples.append(example)
    return tuple(examples)


@pytest.mark.parametrize(("write", "name"), WRITERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("seed", range(10))
def test_round_trip_is_lossless(write, name, encoding, seed):
    examples = nasty_examples(seed)
    result = read_examples(write(examples).encode(encoding), name)
    assert result.rejected == ()
    assert result.examples == examples


@pytest.mark.parametrize(("write", "name"), WRITERS)
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "'", "'=", "''=", "''", "'-'", '"=', "=\n"])
def test_round_trip_of_every_special_start(write, name, start):
    example = Example(f"{start}q", f"{start}a", f"{start}f", f"{start}d")
    assert read_examples(write([example]).encode(), name).examples == (example,)


def test_csv_is_rfc_4180():
    text = to_csv([Example('Say "hi", now?', "one\ntwo", "f", None), Example("A?", "a", "g", "d")])
    assert text == (
        'question,answer,fact,document\r\n"Say ""hi"", now?","one\ntwo",f,\r\nA?,a,g,d\r\n'
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'=", "''@"])
def test_no_cell_of_the_csv_starts_a_formula(start):
    cell = f"{start}HYPERLINK(1)"
    written = to_csv([Example(cell, cell, cell, cell)])
    _, row = csv.reader(io.StringIO(written, newline=""))
    assert row == [f"'{cell}"] * 4
    assert [unprotect_cell(one) for one in row] == [cell] * 4


@pytest.mark.parametrize("text", ["", "'", "'tis", "a=b", " =1", "''", "“=”", "5-3"])
def test_harmless_cells_are_left_alone(text):
    assert protect_cell(text) == text
    assert unprotect_cell(text) == text


def test_jsonl_holds_one_readable_object_a_line():
    text = to_jsonl([Example("Où?", "là\nici", "f", "d.md", "passage"), Example("B?", "b", "g")])
    assert "Où" in text
    assert [json.loads(line) for line in text.splitlines()] == [
        {"question": "Où?", "answer": "là\nici", "fact": "f", "document": "d.md"},
        {"question": "B?", "answer": "b", "fact": "g"},
    ]


def test_no_examples_give_a_header_or_nothing():
    assert to_csv([]) == "question,answer,fact,document\r\n"
    assert to_jsonl([]) == ""


def test_passages_come_back_where_they_were_written():
    examples = (
        Example("Who?", "Ada.", "f", "d.md", "=Ada,\nit is.", "waiting"),
        Example("Why?", "So.", "g"),
    )
    for data, name in (
        (to_csv(examples).encode("utf-8-sig"), "a.csv"),
        (to_jsonl(examples, passages=True).encode(), "a.jsonl"),
    ):
        assert read_examples(data, name).examples == examples
