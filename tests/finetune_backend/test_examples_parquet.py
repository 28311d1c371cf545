import io
import json
import random
import re
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune_backend.examples import parquet
from finetune_backend.examples.read import MAX_ROWS, Rejected, preview, read_examples
from finetune_backend.examples.wording import MAX_ANSWER_CHARS, short_hash
from workbench.errors import ExamplesError
from workbench.values import Example


def written(columns, **options):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def test_rows_of_text_are_examples():
    data = written(
        {
            "other": [1, 2, 3],
            "Answer ": ["là\nici", "b", "c"],
            "question": pa.array(["Où?", "B?", "C?"], pa.large_string()),
            "fact": pa.array(["f", None, "g"]).dictionary_encode(),
            "document": [None, "d.md", ""],
        }
    )
    read = read_examples(data, "a.PARQUET")
    assert read.examples == (
        Example("Où?", "là\nici", "f"),
        Example("B?", "b", short_hash("b"), "d.md"),
        Example("C?", "c", "g"),
    )
    assert read.rejected == ()


def test_among_very_many_columns_those_wanted_are_found():
    many = {f"column {n}": ["x"] for n in range(500)}
    data = written(many | {"Frage": ["A?"], "answer": ["a"]})
    assert {"answer", "column 100"} <= set(preview(data, "a.parquet").columns)
    read = read_examples(written(many | {"question": ["A?"], "answer": ["a"]}), "a.parquet")
    assert len(read.examples) == 1


def test_chats_are_read_as_from_jsonl():
    system, asked = {"role": "system", "content": "Be kind."}, {"role": "user", "content": "A?"}
    answered = {"role": "assistant", "content": "a"}
    long = {"role": "assistant", "content": "x" * 10**5}
    chats = [[system, asked, answered], [asked], None, [asked, long], [], [None]]
    kind = pa.list_(pa.struct({"role": pa.string(), "content": pa.large_string()}))
    data = written({"conversation": pa.array(chats, kind), "fact": list("abcdef")})
    read = read_examples(data, "a.parquet", {"messages": "conversation"})
    assert read.examples == (Example("A?", "a", "a"),)
    lines = "\n".join(map(json.dumps, [{"messages": chat} for chat in chats])).encode()
    others = {one.row: one.reason for one in read_examples(lines, "a.jsonl").rejected}
    reasons = {one.row: one.reason for one in read.rejected}
    assert re.fullmatch(r"the chat has 100,\d+ bytes, and 12,000 characters .*", reasons[4])
    assert {row: reasons[row] for row in (2, 3, 5)} == {row: others[row] for row in (2, 3, 5)}
    assert reasons[6].endswith("but the roles are: None")
    with pytest.raises(ExamplesError, match="chats that are no lists of 'role' and 'content'"):
        read_examples(written({"messages": [["A?", "a"]]}), "a.parquet")


def test_rows_that_cannot_be_used_are_listed():
    broken = pa.array([b"fine", b"\xff\xfe", b"x"], pa.binary()).cast(pa.string(), safe=False)
    data = written(
        {
            "question": pa.array(["A?", None, "C?", " ", "E?", "A?", "G?", "H?"]),
            "answer": pa.concat_arrays(
                [
                    broken,
                    pa.array(["d", "e" * (MAX_ANSWER_CHARS + 1), "FINE", "g" * 10**5, "h"]),
                ]
            ),
        }
    )
    read = read_examples(data, "a.parquet")
    assert [one.answer for one in read.examples] == ["fine", "x", "h"]
    assert read.rejected == (
        Rejected(2, "the answer is not text"),
        Rejected(4, "the question is empty"),
        Rejected(5, "the answer has 4,001 characters, and 4,000 are the limit"),
        Rejected(6, "same as row 1"),
        Rejected(7, "the answer has 100,000 bytes, and 4,000 characters are the limit"),
    )


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b"yes", b"no"], pa.binary()),
        pa.array([b"yes", b"noo"], pa.binary()).cast(pa.large_binary()),
        pa.array([b"yes", b"noo"], pa.binary(3)),
        pa.array([date(2024, 5, 1), date(2024, 6, 1)]),
        pa.array([["a"], ["b"]]),
        pa.array([{"a": "b"}, {"a": "c"}]),
        pa.array([b"\xff", b"\xc3("], pa.binary()).cast(pa.string(), safe=False),
    ],
)
def test_what_is_not_text_is_rejected(values):
    with pytest.raises(ExamplesError, match="Row 1: the answer is not text"):
        read_examples(written({"question": ["A?", "B?"], "answer": values}), "a.parquet")


def test_text_that_is_not_utf_8_is_rejected_alone():
    values = pa.array([b"\xff", b"b"], pa.binary()).cast(pa.string(), safe=False)
    read = read_examples(written({"question": ["A?", "B?"], "answer": values}), "a.parquet")
    assert [one.answer for one in read.examples] == ["b"]
    assert read.rejected == (Rejected(1, "the answer is not text"),)


def good_file():
    rng = random.Random(1)
    return written(
        {
            "question": [f"Question {n}?" for n in range(300)],
            "answer": [str(rng.random()) for _ in range(300)],
        }
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a Parquet file"),
        (b"PAR1", "is not a Parquet file"),
        (b"question,answer\nA?,a\n", "is not a Parquet file"),
        (good_file()[:-100], "is not a Parquet file"),
        (written({"frage": ["A?"], "Antwort": ["a"]}), "the columns 'frage', 'Antwort', but 'que"),
        (written({"question": ["A?"]}), "'question' and 'answer' are expected"),
        (written({"question": pa.array([], pa.string()), "answer": pa.array([])}), "has no rows"),
        (written({"question": ["A?"], "answer": [None]}), "Row 1: the answer is empty"),
        (
            written({"question": ["A?"], "Answer": ["a"], "answer": ["b"]}),
            "more than one column named 'answer'",
        ),
    ],
)
def test_files_that_are_refused(data, message):
    with pytest.raises(ExamplesError) as caught:
        read_examples(data, "a.parquet")
    assert message in str(caught.value)


def test_a_million_rows_are_refused_before_they_are_read():
    one = pa.array(["a"]).dictionary_encode().take(pa.array([0] * 1_000_000, pa.int32()))
    data = written({"question": one, "answer": one})
    assert len(data) < 100_000
    with pytest.raises(ExamplesError, match=f"has 1,000,000 rows, and {MAX_ROWS:,} is the limit"):
        read_examples(data, "a.parquet")


def test_what_unpacks_to_too_much_is_refused_before_it_is_read():
    long = [f"{n:08}" + "x" * 5_000 for n in range(25_000)]
    data = written({"question": long, "answer": long}, use_dictionary=False, compression="zstd")
    assert len(data) < 10_000_000
    with pytest.raises(ExamplesError, match="unpacks to more than 100 MB"):
        read_examples(data, "a.parquet")
    # What is not wanted is not unpacked.
    few = written(
        {"question": ["A?"] * 25_000, "answer": ["a"] * 25_000, "other": long},
        use_dictionary=False,
        compression="zstd",
    )
    assert len(read_examples(few, "a.parquet").examples) == 1


def test_a_value_repeated_in_a_dictionary_does_not_fill_the_memory(monkeypatch):
    rows = 40_000
    text = pa.array(["x" * 3_900]).dictionary_encode().take(pa.array([0] * rows, pa.int32()))
    numbers = [f"Question {n}?" for n in range(rows)]
    data = written({"question": numbers, "answer": text.cast(pa.string())})
    assert len(data) < 1_000_000
    with pytest.raises(ExamplesError, match="unpacks to more than 100 MB"):
        read_examples(data, "a.parquet")
    monkeypatch.setattr(parquet, "MEMORY_BYTES", 500_000_000)
    huge = pa.array(["x" * 5_000_000]).dictionary_encode().take(pa.array([0] * 400, pa.int32()))
    data = written({"question": numbers[:400], "answer": huge.cast(pa.large_string())})
    assert len(data) < 1_000_000
    with pytest.raises(ExamplesError, match="memory|has 5,000,000 bytes"):
        read_examples(data, "a.parquet")


def test_a_file_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(parquet, "SECONDS", 0.01)
    with pytest.raises(ExamplesError, match="takes longer than 0.01 s"):
        read_examples(good_file(), "a.parquet")


@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_are_read_or_refused(seed):
    rng, data = random.Random(seed), bytearray(good_file())
    for _ in range(rng.randint(1, 20)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        assert read_examples(bytes(data), "a.parquet").examples
    except ExamplesError as error:
        assert "a.parquet" in str(error)


def test_the_first_rows_are_shown():
    data = written(
        {
            "Frage": [f"Q{n}?" for n in range(9)],
            "n": pa.array(range(9)),
            "list": [["a"]] * 9,
            "long": ["x" * 1_000] * 9,
            "empty": pa.array([None] * 9, pa.string()),
        }
    )
    shown = preview(data, "a.parquet")
    assert shown.columns == ("Frage", "n", "list", "long", "empty")
    assert len(shown.rows) == 5
    assert shown.rows[1] == ("Q1?", "1", "…", "x" * 200, "")
    assert not shown.named


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([1, 2**40]), ["1", str(2**40)]),
        (pa.array([2024.0, 0.25]), ["2024", "0.25"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([7, 8]).dictionary_encode(), ["7", "8"]),
    ],
)
def test_numbers_are_taken_as_text(values, said):
    data = written({"question": ["A?", "B?"], "answer": values})
    assert [one.answer for one in read_examples(data, "a.parquet").examples] == said


def test_no_number_is_an_empty_cell():
    data = written({"question": ["A?", "B?"], "answer": [1.0, float("nan")]})
    assert read_examples(data, "a.parquet").rejected == (Rejected(2, "the answer is empty"),)
