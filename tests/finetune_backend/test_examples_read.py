import json
import math

import pytest

from finetune_backend.examples import read
from finetune_backend.examples.read import MAX_FILE_MB, MAX_ROWS, Rejected, preview, read_examples
from finetune_backend.examples.wording import MAX_ANSWER_CHARS, MAX_QUESTION_CHARS, short_hash
from workbench.errors import ExamplesError
from workbench.values import Example


def pairs(result):
    return [(example.question, example.answer) for example in result.examples]


def jsonl(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


# JSONL and JSON


def test_jsonl_objects_and_chats():
    system = {"role": "system", "content": "Be brief."}
    chat = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada"}]
    data = jsonl(
        {"question": "A?", "answer": "a", "fact": "f", "document": "d.md"},
        "",
        {"Question ": "B?", "answer": "b", "fact": None, "extra": 3},
        {"messages": chat},
        {"messages": [system, chat[0], {"role": "assistant", "content": "Bob"}], "fact": "g"},
    )
    assert read_examples(data, "a.jsonl").examples == (
        Example("A?", "a", "f", "d.md"),
        Example("B?", "b", short_hash("b")),
        Example("Who?", "Ada", short_hash("Ada")),
        Example("Who?", "Bob", "g"),
    )


def turn(role, content="x"):
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{broken", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("1" * 5_000, "it is not JSON"),
        ('["q", "a"]', "it is a list; an object such as"),
        ("null", "it is null"),
        ("true", "it is true or false"),
        ("1.5", "it is a number"),
        ('"text"', "it is text"),
        ({}, "the question is empty"),
        ({"question": "Q?"}, "the answer is empty"),
        ({"question": " \n", "answer": "a"}, "the question is empty"),
        ({"question": "Q?", "answer": "\u200b\u0007"}, "the answer is empty"),
        ({"question": [5], "answer": "a"}, "the question is not text"),
        ({"question": "Q?", "answer": ["a"]}, "the answer is not text"),
        ({"question": "Q?", "answer": math.inf}, "the answer is not text"),
        ({"question": "Q?", "answer": "a", "fact": []}, "the fact is not text"),
        ({"question": "Q?", "answer": "a", "document": {}}, "the document is not text"),
        ({"question": "q" * (MAX_QUESTION_CHARS + 1), "answer": "a"}, "question has 2,001 char"),
        ({"question": "Q?", "answer": "a" * (MAX_ANSWER_CHARS + 1)}, "answer has 4,001 char"),
        ({"messages": "hello"}, "'messages' is not a list"),
        ({"messages": [1, 2]}, "'messages' is not a list"),
        ({"messages": []}, "the roles are: none"),
        ({"messages": [turn("user")]}, "the roles are: user"),
        ({"messages": [turn("assistant"), turn("user")]}, "the roles are: assistant, user"),
        ({"messages": [turn("user"), turn("assistant")] * 2}, "user, assistant, user, assistant"),
        ({"messages": [turn("user"), turn("assistant", "")]}, "the answer is empty"),
        ({"messages": [turn("user", []), turn("assistant")]}, "the question is not text"),
        ({"messages": [{}, {}]}, "the roles are: None, None"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_and_the_rest_kept(row, reason):
    good = {"question": "Good?", "answer": "yes"}
    result = read_examples(jsonl(good, "", row, {"question": "Other?", "answer": "no"}), "a.jsonl")
    assert pairs(result) == [("Good?", "yes"), ("Other?", "no")]
    assert [one.row for one in result.rejected] == [3]
    assert reason in result.rejected[0].reason


def test_texts_exactly_at_the_limit_are_kept():
    row = {"question": "q" * MAX_QUESTION_CHARS, "answer": "a" * MAX_ANSWER_CHARS}
    result = read_examples(jsonl(row), "a.jsonl")
    assert pairs(result) == [(row["question"], row["answer"])]


def test_a_line_separator_inside_a_json_string_does_not_split_the_line():
    data = '{"question": "A\u2028B?", "answer": "a"}'.encode()
    assert pairs(read_examples(data, "a.jsonl")) == [("A\u2028B?", "a")]


def test_json_list():
    rows = [{"question": "A?", "answer": "a"}, 3, {"question": "B?", "answer": "b"}]
    result = read_examples(json.dumps(rows, indent=2).encode(), "a.json")
    assert pairs(result) == [("A?", "a"), ("B?", "b")]
    assert [one.row for one in result.rejected] == [2]


# What holds for all of them


def test_control_characters_are_stripped_and_line_breaks_unified():
    row = {
        "question": "\ufeffW\u0000h\u001bo\ud83d?",
        "answer": " one\r\ntwo\rthree\u000bfour\t5\n",
    }
    assert pairs(read_examples(jsonl(row), "a.jsonl")) == [("Who?", "one\ntwo\nthree\nfour\t5")]


def test_duplicates_are_rejected_with_the_row_they_repeat():
    data = "question,answer\nWho?,Ada\nWHO? ,  ada\nWho?,Bob\nWho  ?,Ada\nCafé?,x\nCafe\u0301?,x\n"
    result = read_examples(data.encode(), "a.csv")
    assert pairs(result) == [("Who?", "Ada"), ("Who?", "Bob"), ("Who  ?", "Ada"), ("Café?", "x")]
    assert result.rejected == (Rejected(3, "same as row 2"), Rejected(7, "same as row 6"))


def test_texts_that_only_look_alike_are_no_duplicates():
    data = "question,answer\nWhat is x2?,a\nWhat is x²?,a\n".encode()
    assert len(read_examples(data, "a.csv").examples) == 2


def test_rows_with_the_same_answer_share_a_derived_fact():
    data = b"question,answer\nA?,Two  days\nB?,two days\nC?,Three days\n"
    facts = [example.fact for example in read_examples(data, "a.csv").examples]
    # The literal is the stored form: a change would split the facts of sets already imported.
    assert facts == ["cfa6fe1496b4", "cfa6fe1496b4", short_hash("three days")]
    assert facts[2] != facts[0]


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.csv", "'a.csv' is empty"),
        (b"\xef\xbb\xbf \n", "a.jsonl", "'a.jsonl' is empty"),
        (b"question,answer\n", "a.csv", "'a.csv' has no rows"),
        (b"question,answer\n,\n\n", "a.csv", "'a.csv' has no rows"),
        (b"[]", "a.json", "'a.json' has no rows"),
        (b"x", "a.xlsx", ".csv, .jsonl, .json, .parquet are supported"),
        (b"", "examples", ".csv, .jsonl, .json, .parquet are supported"),
        ("Größe".encode("latin-1"), "a.csv", "is not UTF-8 text"),
        ("question,answer".encode("utf-16"), "a.csv", "is not UTF-8 text"),
        (b"PK\x03\x04\x00\x00", "a.csv", "is not UTF-8 text"),
        (b"hello\n{oops", "a.jsonl", "holds no JSON that can be read (line 1"),
        (b"\n[\n{\n", "a.jsonl", "(line 2"),
        (b'[\n{"question": \n', "a.json", "is not JSON that can be read (line"),
        (b"[" * 100_000, "a.json", "is not JSON that can be read"),
        (b'{"a": 1}\n{"b": 2}', "a.json", "name it .jsonl"),
        (b'{"question": "Q?"}', "a.json", "holds one object, but a list"),
        (
            b"question,answer\nA?,\nB?, \n",
            "a.csv",
            "None of the 2 rows of 'a.csv' can be used. Row 2: the answer is empty.",
        ),
        (b'{"question": 1}', "a.jsonl", "The only row of 'a.jsonl' can't be used"),
    ],
)
def test_files_that_are_refused(data, name, message):
    with pytest.raises(ExamplesError) as caught:
        read_examples(data, name)
    assert message in str(caught.value)


def test_a_file_over_the_size_limit_is_refused():
    with pytest.raises(ExamplesError, match=r"20\.0 MB, and 20 MB is the limit"):
        read_examples(b" " * (MAX_FILE_MB * 1_000_000 + 1), "a.csv")


def test_row_limit(monkeypatch):
    assert MAX_ROWS == 50_000
    monkeypatch.setattr(read, "MAX_ROWS", 3)
    rows = [{"question": f"Q{i}?", "answer": "a"} for i in range(4)]
    assert len(read_examples(jsonl(*rows[:3]), "a.jsonl").examples) == 3
    with pytest.raises(ExamplesError, match="more than 3 rows"):
        read_examples(jsonl(*rows), "a.jsonl")


def test_numbers_are_taken_as_text():
    values = [7, 1.5, 2024.0, True, False, 10**20]
    rows = [{"question": f"{n}?", "answer": value, "fact": 3} for n, value in enumerate(values)]
    read = read_examples(jsonl(*rows), "a.jsonl")
    answers = [one.answer for one in read.examples]
    assert answers == ["7", "1.5", "2024", "true", "false", str(10**20)]
    assert {one.fact for one in read.examples} == {"3"}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a.csv", (b"question,answer", b"A?,a", b"B?,\xff\xfe", b"C?,\0", b"D?,d")),
        (
            "a.jsonl",
            (
                b'{"question": "A?", "answer": "a"}',
                b'{"question": "B?\xff"}',
                b"\0",
                b'{"question": "D?", "answer": "d"}',
            ),
        ),
    ],
)
def test_a_row_with_bytes_that_are_no_text_is_left_out(name, lines):
    data = b"\n".join(lines)
    read = read_examples(data, name)
    assert [one.question for one in read.examples] == ["A?", "D?"]
    assert {row.reason for row in read.rejected} == {"it holds bytes that are not UTF-8 text"}
    assert [row.row for row in read.rejected] == ([3, 4] if name == "a.csv" else [2, 3])
    json.dumps(preview(data, name).rows, ensure_ascii=False).encode()
    with pytest.raises(ExamplesError, match="is not UTF-8 text"):
        read_examples(b"\n".join((*lines, *(b"\xe4,\xf6",) * 9)), name)
