"""Exams are read strictly: a wrong row is named."""

import pytest

from comparison.exams.exam import ExamQuestion, read_exam
from comparison.form import Form
from finetune_backend.examples.split import to_exam
from workbench.errors import RagtuneError
from workbench.values import Example


def write(tmp_path, text):
    path = tmp_path / "exam.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_keys_are_read(tmp_path):
    path = write(
        tmp_path,
        '{"question": "Who?", "answers": ["Ada", "Ada L."], "document": "a.md", "fact": "who"}\n\n'
        '{"question": "Why?", "answers": [], "unanswerable": true}\n'
        '{"question": "Sort", "answers": ["a b"], "options": ["a b", "c"]}\n'
        '{"question": "Reply", "form": {"starts": "Dear", "holds": ["you"], "most_words": 9}}\n'
        '{"question": "When?", "answers": ["now"], "pool": "untrained"}\n',
    )
    assert read_exam(path) == [
        ExamQuestion("Who?", ("Ada", "Ada L."), "a.md", False, "who"),
        ExamQuestion("Why?", (), None, True, None),
        ExamQuestion("Sort", ("a b",), options=("a b", "c")),
        ExamQuestion("Reply", (), form=Form(starts="Dear", holds=("you",), most_words=9)),
        ExamQuestion("When?", ("now",), pool="untrained"),
    ]


def test_parts_of_a_split_are_exams(tmp_path):
    asked = [Example("Who\u2028?", "Ada", "f", "d.md"), Example("Why?", "So.", "g")]
    assert read_exam(write(tmp_path, to_exam(asked))) == [
        ExamQuestion("Who\u2028?", ("Ada",), "d.md", False, "f"),
        ExamQuestion("Why?", ("So.",), None, False, "g"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("question,answer\n", "Line 1 of exam.jsonl is not JSON"),
        ("[" * 100_000, "Line 1 of exam.jsonl is not JSON"),
        ("[1]", "has no question"),
        ('{"question": "Who?"}', "needs either answers or"),
        ('{"question": "Who?", "answers": "Ada"}', "not a list of texts"),
        ('{"question": "Who?", "answers": ["Ada"], "unanswerable": true}', "and not both"),
        ('{"question": " ", "answers": ["Ada"]}', "empty question"),
        ('{"question": "Who?", "answers": ["Ada"], "topic": "x"}', "unknown keys"),
        ('{"question": "Who?", "answers": ["Ada"], "fact": 3}', "fact that is not a text"),
        ('{"question": "Who?", "answers": ["Ada"], "options": "Ada"}', "options that are not"),
        ('{"question": "Who?", "answers": ["Ada"], "options": ["Bob"]}', "none of its options"),
        ('{"question": "Who?", "answers": ["Ada"], "pool": "new"}', "has the pool 'new'; trained"),
        (
            '{"question": "Who?", "unanswerable": true, "pool": "trained"}',
            "has the pool 'trained'; unanswerable was expected",
        ),
        ('{"question": "Who?", "answers": ["Ada"], "pool": []}', r"has the pool \[\]"),
        ('{"question": "Who?", "form": {}}', "has the form"),
        ('{"question": "Who?", "form": {"tone": "polite"}}', "has the form"),
        ('{"question": "Who?", "form": {"most_words": "3"}}', "with most_words '3'"),
        ('{"question": "Who?", "form": {"most_words": true}}', "with most_words True"),
        ('{"question": "Who?", "form": {"holds": [3]}}', r"with holds \[3\]"),
    ],
)
def test_wrong_rows_are_named(tmp_path, text, said):
    with pytest.raises(RagtuneError, match=said):
        read_exam(write(tmp_path, text))


def test_a_missing_exam_is_one_sentence(tmp_path):
    with pytest.raises(RagtuneError, match="can't be read: No such file or directory"):
        read_exam(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("form", "answer", "kept"),
    [
        (Form(starts="Dear"), " Dear Ada, thanks. ", True),
        (Form(starts="Dear"), "dear Ada", False),
        (Form(ends="Kind regards"), "Yes.\nKind regards", True),
        (Form(ends="Kind regards"), "Kind regards, and more", False),
        (Form(holds=("you", "we")), "we thank you", True),
        (Form(holds=("you", "we")), "thank you", False),
        (Form(lacks=("!",)), "Great!", False),
        (Form(most_words=3), "one two three", True),
        (Form(most_words=3), "one two three four", False),
        (Form(lacks=("!",)), "  ", False),
    ],
)
def test_an_answer_keeps_a_form_or_not(form, answer, kept):
    assert form.kept_by(answer) is kept
