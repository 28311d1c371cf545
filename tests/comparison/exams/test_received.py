"""Exams in a person's CSV or JSONL: every row is asked, joined with another, or has its reason."""

import json

import pytest

from comparison.exams.exam import ExamQuestion
from comparison.exams.received import nearly_alike, receive, unnamed
from workbench.errors import RagtuneError


def pairs(received):
    return [(one.question, one.answers) for one in received.questions]


def reasons(rows):
    return [(row.row, row.reason) for row in rows]


def test_all_columns_are_read():
    data = (
        "Question;Answers;Document;Unanswerable;Fact;Pool;Note\n"
        "When?;9:30 | half past nine;a.md;no;hours;trained;x\n"
        "Why?;;;YES;;;\n"
    ).encode("utf-8-sig")
    assert receive(data, "a.CSV").questions == (
        ExamQuestion("When?", ("9:30", "half past nine"), "a.md", False, "hours", pool="trained"),
        ExamQuestion("Why?", (), None, True),
    )


@pytest.mark.parametrize(
    ("header", "row", "mark"),
    [
        ("question,answers", "Who?,Ada | Ada L.", "|"),
        ("question,answer", "Who?,Ada;Ada L.", ";"),
        ("question,answers", '"Who?","[""Ada"", ""Ada L.""]"', "|"),
        ("question,answer 1,Answer_2,answer3", "Who?,Ada,Ada L.,", "|"),
    ],
)
def test_answers_come_in_several_forms(header, row, mark):
    received = receive(f"{header}\n{row}\n".encode(), "a.csv", None, mark)
    assert pairs(received) == [("Who?", ("Ada", "Ada L."))]


def test_without_a_mark_a_cell_is_one_answer():
    data = b"question,answers\nWho?,Ada | Bob\nWhat?,[a\n"
    assert pairs(receive(data, "a.csv", None, "")) == [("Who?", ("Ada | Bob",)), ("What?", ("[a",))]


def test_columns_are_named_by_hand():
    data = b"Nr,Frage,Kurz,Lang,leer\n1,Wer?,Ada,Ada L.,nein\n"
    shown = unnamed(data, "a.csv")
    assert shown.columns == ("Nr", "Frage", "Kurz", "Lang", "leer")
    assert unnamed(b"question,answer\n", "a.csv") is None and unnamed(b"{}", "a.jsonl") is None
    columns = {"question": ["frage"], "answers": ["Kurz", "Lang"]}
    assert pairs(receive(data, "a.csv", columns)) == [("Wer?", ("Ada", "Ada L."))]
    received = receive(b"question,answers,q\nold,Ada,Who?\n", "a.csv", {"question": ["q"]})
    assert pairs(received) == [("Who?", ("Ada",))]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"question": ["Frage"]}, "has the columns 'Frage', 'Antwort', but 'question' and"),
        ({"question": ["Frage"], "answers": ["Frage"]}, "The column 'frage' is given twice"),
        ({"question": ["Frage"], "answers": ["Wort"]}, "has no column 'Wort'. It has 'Frage',"),
        ({"topic": ["Frage"]}, "'topic' is no field of an exam; question, answers,"),
        ({"question": ["Frage", "Antwort"]}, "2 columns are given for question; one"),
    ],
)
def test_wrong_columns_are_one_sentence(columns, said):
    with pytest.raises(RagtuneError, match=said):
        receive(b"Frage,Antwort\nWer?,Ada\n", "a.csv", columns)


def test_rows_that_cannot_be_asked_have_a_reason():
    rows = [
        "question,answers,unanswerable",
        "Who?,Ada,",
        ",Ada,",
        "Why?,,",
        "When?,now,yes",
        "Where?,here,perhaps",
        "How?,so,no,more",
        f"{'x' * 4001}?,Ada,",
    ]
    received = receive("\n".join(rows).encode(), "a.csv")
    assert pairs(received) == [("Who?", ("Ada",))]
    said = reasons(received.rejected)
    assert [row for row, _ in said] == [3, 4, 5, 6, 7, 8]
    for (_, reason), words in zip(
        said,
        [
            "empty question",
            "expected a question, and answers or “yes” under unanswerable",
            "and not both",
            "unanswerable is “perhaps”; yes or no was expected",
            "4 cells but the header has 3",
            "the question has 4,002 characters, and 4,000 are the limit",
        ],
        strict=True,
    ):
        assert words in reason


def test_a_question_asked_twice_is_asked_once():
    rows = [
        {"question": "Who is it?", "answers": ["Ada"]},
        {"question": "who  IS it?", "answers": ["Ada L.", "Ada"]},
        {"question": "Who is it?", "answers": [], "unanswerable": True},
        {"question": "Who is it?", "answers": ["Ada"]},
        {"question": "Is it who", "answers": ["Ada"]},
    ]
    received = receive("\n".join(map(json.dumps, rows)).encode(), "a.jsonl")
    assert pairs(received) == [("Who is it?", ("Ada", "Ada L.")), ("Is it who", ("Ada",))]
    assert reasons(received.joined) == [
        (2, "it asks what row 1 asks, with 1 more of its answers"),
        (4, "it asks what row 1 asks, with the same answers"),
    ]
    assert reasons(received.rejected) == [(3, "it asks what row 1 asks, but not alike")]
    assert nearly_alike(received.questions) == [("Is it who", "Who is it?")]
    assert received.told() == [
        "row 3 left out: it asks what row 1 asks, but not alike",
        "row 2 joined: it asks what row 1 asks, with 1 more of its answers",
        "row 4 joined: it asks what row 1 asks, with the same answers",
    ]


def test_jsonl_is_read_row_by_row():
    rows = [
        '{"question": "Who?", "answer": "Ada"}',
        "",
        "nonsense",
        '{"question": "Why?", "answers": "So", "pool": "untrained"}',
        '{"question": "When?", "answers": [3]}',
        '{"question": "How?", "answers": ["so"], "pool": "unanswerable"}',
        '{"question": "Half \\ud83d?", "answers": ["a"]}',
        "[1]",
    ]
    received = receive("\n".join(rows).encode(), "a.jsonl")
    assert pairs(received) == [("Who?", ("Ada",)), ("Why?", ("So",)), ("Half ?", ("a",))]
    assert received.questions[1].pool == "untrained"
    assert [row.row for row in received.rejected] == [3, 5, 6, 8]
    assert "the pool 'unanswerable'; trained or untrained was" in received.rejected[2].reason


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.xlsx", b"PK", "is not an exam that can be read; .jsonl and .csv are supported"),
        ("a.csv", "Wer?\0".encode("utf-16"), "is not UTF-8 text"),
        ("a.csv", b" \n", "is empty"),
        ("a.csv", b"question,answers\n", "has no rows"),
        (
            "a.csv",
            b"question,answers\nWho?,\n",
            "The only row of 'a.csv' can't be asked. Row 2: it needs",
        ),
        ("a.jsonl", b"[1]\n[2]\n", "None of the 2 rows of 'a.jsonl' can be asked. Row 1: it has"),
        ("a.csv", b"x" * 20_000_001, "20 MB is the limit"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(name, data, said):
    with pytest.raises(RagtuneError, match=said):
        receive(data, name)


def test_a_hundred_thousand_rows_are_the_limit():
    rows = b"".join(b"Which is the kite number %d?,%d\n" % (n, n) for n in range(100_000))
    received = receive(b"question,answers\n" + rows, "a.csv")
    assert len(received.questions) == 100_000 and not nearly_alike(received.questions)
    with pytest.raises(RagtuneError, match="has more than 100,000 rows"):
        receive(b"question,answers\nOne?,more\n" + rows, "a.csv")
