import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune_backend.examples.columns import wanted_columns
from finetune_backend.examples.read import preview, read_examples
from workbench.errors import ExamplesError
from workbench.values import Example

GERMAN = {"question": "Frage", "answer": "Antwort"}
ROWS = [
    {"Nr": "1", "Frage": "Was?", "Antwort": "Das.", "fact": "f"},
    {"Nr": "2", "Frage": "Wo; da?", "Antwort": "=Dort", "fact": ""},
]


CHAT = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada"}]


def as_csv(delimiter):
    lines = [ROWS[0].keys(), *(row.values() for row in ROWS)]
    return "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines).encode()


def csv_of(rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def parquet_of(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


FILES = [
    (as_csv(","), "a.csv"),
    (as_csv(";"), "a.csv"),
    (as_csv("\t"), "a.csv"),
    ("\n".join(map(json.dumps, ROWS)).encode(), "a.jsonl"),
    (json.dumps(ROWS).encode(), "a.json"),
    (parquet_of(ROWS), "a.parquet"),
]


@pytest.mark.parametrize(("data", "name"), FILES)
def test_columns_with_other_names_are_read(data, name):
    read = read_examples(data, name, {"question": " FRAGE", "answer": "Antwort"})
    assert [(one.question, one.answer) for one in read.examples] == [
        ("Was?", "Das."),
        ("Wo; da?", "=Dort"),
    ]
    assert read.examples[0].fact == "f"
    assert read_examples(data, name, GERMAN | {"fact": "Nr"}).examples[1].fact == "2"


@pytest.mark.parametrize(("data", "name"), FILES)
def test_the_first_rows_are_shown_under_the_columns(data, name):
    shown = preview(data, name)
    assert [one.casefold() for one in shown.columns] == ["nr", "frage", "antwort", "fact"]
    assert shown.rows == (("1", "Was?", "Das.", "f"), ("2", "Wo; da?", "=Dort", ""))
    assert not shown.named


@pytest.mark.parametrize(("data", "name"), FILES)
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"question": "Question"}, "has no column 'Question'. It has 'nr', 'frage', 'antwort'"),
        ({"question": "Frage"}, "'answer'"),
        ({"ask": "Frage"}, "'ask' is no field of an example; question, answer, fact, document"),
        ({"question": "Frage", "answer": "frage"}, "is given for question and for answer"),
    ],
)
def test_columns_that_are_wrong_are_named(data, name, columns, said):
    with pytest.raises(ExamplesError) as caught:
        read_examples(data, name, columns)
    told = str(caught.value).casefold()
    if said == "'answer'" and name.endswith(("json", "jsonl")):
        said = "the answer is empty"
    assert said.casefold() in told


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"Question ;ANSWER\na;b\n", "a.csv"),
        (json.dumps({"messages": CHAT}).encode() + b'\n{"x": 1}', "a.jsonl"),
        (b'[{"Question": "a"}, {"answer": "b"}]', "a.json"),
    ],
)
def test_columns_with_our_names_need_no_asking(data, name):
    assert preview(data, name).named


def test_a_column_is_not_taken_twice():
    assert wanted_columns({"question": "Answer", "answer": "Question"}) == {
        "question": "answer",
        "answer": "question",
        "fact": "fact",
        "document": "document",
        "passage": "passage",
        "status": "status",
    }
    assert wanted_columns({"question": "Fact"}) == {
        "question": "fact",
        "answer": "answer",
        "document": "document",
        "passage": "passage",
        "status": "status",
    }
    data = b"question,answer\na,b\n"
    read = read_examples(data, "a.csv", {"question": "answer", "answer": "question"})
    assert read.examples == (Example("b", "a", read.examples[0].fact),)


def test_short_rows_and_chats_are_shown_too():
    assert preview(b"a,b,c\n1\n", "a.csv").rows == (("1", "", ""),)
    chat = {"messages": [{"role": "user", "content": "Who?"}]}
    shown = preview(json.dumps(chat).encode() + b'\n3\n{"n": 5, "t": null}', "a.jsonl")
    assert shown.columns == ("messages", "n", "t")
    assert shown.rows == ((json.dumps(chat["messages"]), "", ""), ("", "5", ""))


@pytest.mark.parametrize(
    ("data", "name", "columns"),
    [
        (json.dumps({"conversation": CHAT, "group": "g"}).encode(), "a.jsonl", True),
        (json.dumps([{"messages": CHAT, "fact": "g"}]).encode(), "a.json", False),
        (csv_of([["conversation", "group"], [json.dumps(CHAT), "g"]]), "a.csv", True),
        (csv_of([["messages", "fact"], [json.dumps(CHAT), "g"]]), "a.csv", False),
        (parquet_of([{"conversation": json.dumps(CHAT), "group": "g"}]), "a.parquet", True),
    ],
)
def test_chats_are_read_from_a_column_of_any_name(data, name, columns):
    given = {"messages": "conversation", "fact": "group"} if columns else None
    assert read_examples(data, name, given).examples == (Example("Who?", "Ada", "g"),)
    assert preview(data, name).named is not columns


def test_a_question_that_was_given_comes_before_a_chat():
    data = json.dumps({"messages": CHAT, "ask": "Why?", "answer": "So."}).encode()
    assert read_examples(data, "a.jsonl", {"question": "ask"}).examples[0].question == "Why?"
