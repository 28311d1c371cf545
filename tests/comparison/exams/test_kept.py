"""Exams are kept under a name, listed with their pools, and replaced only where that is meant."""

import pytest

from comparison.exams.exam import ExamQuestion, read_exam
from comparison.exams.kept import delete_exam, find_exam, free_name, list_exams, save_exam
from comparison.form import Form
from workbench.errors import RagtuneError
from workbench.home import open_home

QUESTIONS = [
    ExamQuestion("Who?", ("Ada", "A."), "a.md", fact="who", pool="trained"),
    ExamQuestion("Why?", ("So\u2028.",), pool="untrained"),
    ExamQuestion("Where?", (), unanswerable=True),
    ExamQuestion("Sort", ("a",), options=("a", "b")),
    ExamQuestion("Reply", (), form=Form(starts="Dear", holds=("you",), most_words=9)),
]


@pytest.fixture()
def home(tmp_path):
    return open_home(tmp_path / "home")


def test_an_exam_comes_back_as_it_was(home):
    assert list_exams(home) == []
    path = save_exam(home, "first", QUESTIONS)
    assert path == find_exam(home, "first") == home.folder / "exams" / "first.jsonl"
    assert read_exam(path) == QUESTIONS
    (exam,) = list_exams(home)
    assert (exam.name, exam.questions, exam.trouble) == ("first", 5, "")
    assert exam.pools == {"trained": 1, "untrained": 1, "unanswerable": 1}


def test_a_name_is_taken_once(home):
    save_exam(home, "a.b", QUESTIONS)
    with pytest.raises(RagtuneError, match="There is an exam 'a.b' already"):
        save_exam(home, "a.b", QUESTIONS[:1])
    save_exam(home, "a.b", QUESTIONS[:1], replace=True)
    assert [(exam.name, exam.questions) for exam in list_exams(home)] == [("a.b", 1)]
    assert free_name(home, "a.b") == "a.b-2" and free_name(home, "a c/d?") == "a-c-d"
    assert free_name(home, "../../") == "exam"
    for name in ("../a", "", ".hidden", "a/b", "x" * 61):
        with pytest.raises(RagtuneError, match="can't be the name of an exam"):
            save_exam(home, name, QUESTIONS)


def test_an_exam_has_a_question(home):
    with pytest.raises(RagtuneError, match="has no questions; at least one"):
        save_exam(home, "none", [])
    assert list_exams(home) == []


def test_a_deleted_exam_is_gone(home):
    save_exam(home, "one", QUESTIONS)
    delete_exam(home, "one")
    with pytest.raises(RagtuneError, match="no exam 'one'. Exams: none yet"):
        delete_exam(home, "one")
    save_exam(home, "two", QUESTIONS)
    with pytest.raises(RagtuneError, match="no exam 'one'. Exams: two"):
        find_exam(home, "one")


def test_a_file_that_somebody_broke_is_listed_with_its_trouble(home):
    save_exam(home, "good", QUESTIONS)
    save_exam(home, "bad", QUESTIONS).write_text("nonsense", encoding="utf-8")
    troubles = {exam.name: exam.trouble for exam in list_exams(home)}
    assert troubles["good"] == "" and "Line 1 of bad.jsonl is not JSON" in troubles["bad"]
