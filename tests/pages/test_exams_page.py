"""Exams on their page: uploaded, looked through, held against the training, and brought back."""

import json

import pytest

from comparison.exams.build import building_folder
from comparison.exams.exam import ExamQuestion, read_exam
from comparison.exams.kept import find_exam, list_exams, save_exam
from comparison.exams.wanted import Wanted
from finetune_backend.examples.store import add_examples
from pages.shared.lab import get_lab
from workbench import jobs
from workbench.files import write_json
from workbench.values import Example

PAGE = "pages/comparing/exams.py"
QUESTIONS = [
    ExamQuestion("Who is it?", ("Ada", "A."), "a.md", fact="who", pool="trained"),
    ExamQuestion("When is it?", ("In May",), "a.md", pool="untrained"),
    ExamQuestion("Where is Quillmere?", (), unanswerable=True),
]


def at(app, **exams):
    for name, questions in exams.items():
        save_exam(get_lab().home, name, questions)
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def press(app, label):
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    labels = [one.label for one in app.expander]
    return "\n".join([*(one.value for kind in kinds for one in kind), *labels]).replace("\\", "")


def kept(name):
    return read_exam(find_exam(get_lab().home, name))


def names():
    return [exam.name for exam in list_exams(get_lab().home)]


def upload(app, name, data):
    app.file_uploader[0].set_value((name, data, "application/octet-stream")).run()
    assert not app.exception


def test_an_empty_page_says_what_to_do_and_adds_the_samples_exam(app):
    at(app)
    said = words(app)
    assert "No exams yet" in said and "there are none yet" in said
    press(app, "Add the sample's exam")
    assert names() == ["sample"] and len(kept("sample")) == 72
    assert "The sample's exam was added" in words(app)
    assert "Add the sample's exam" not in [one.label for one in app.button]
    assert "There are no training examples yet" in words(app)


def test_questions_are_struck_out_and_brought_back(app):
    at(app, mine=QUESTIONS)
    table = app.data_editor[0].value
    assert table["question"].tolist() == [one.question for one in QUESTIONS]
    assert table["answers"].tolist() == ["Ada | A.", "In May", "–"]
    assert table["pool"].tolist() == ["trained", "untrained", "unanswerable"]
    next(one for one in app.selectbox if one.label == "Pool").set_value("untrained").run()
    assert app.data_editor[0].value["question"].tolist() == ["When is it?"]
    key = "exam-mine-0-untrained-"
    edits = {"edited_rows": {0: {"strike": True}}, "added_rows": [], "deleted_rows": []}
    app.session_state[key] = edits
    app.run()
    press(app, "Strike out 1 question")
    assert kept("mine") == [QUESTIONS[0], QUESTIONS[2]]
    press(app, "Undo")
    assert kept("mine") == QUESTIONS


def test_what_was_trained_on_is_found_and_struck_out(app):
    add_examples(get_lab().database, [Example("who is IT", "Ada", "who")])
    at(app, mine=QUESTIONS)
    assert "1 of 3 questions was trained on in the examples: 1 nearly so" in words(app)
    (table,) = (one.value for one in app.dataframe if "Trained on" in one.value)
    assert table.values.tolist() == [[1, "Who is it?", "who is IT", "nearly"]]
    press(app, "Strike out what was trained on")
    assert kept("mine") == QUESTIONS[1:]
    assert "None of 2 questions was trained on in the examples" in words(app)


def test_a_deleted_exam_comes_back(app):
    at(app, mine=QUESTIONS)
    press(app, "Delete")
    assert names() == [] and "mine was deleted" in words(app)
    press(app, "Undo")
    assert kept("mine") == QUESTIONS


def test_a_file_is_kept_and_what_was_left_out_is_shown(app):
    at(app)
    upload(app, "My exam.csv", b"question,answers\nWho?,Ada | A.\nWhy?,\nwho?,B.\n")
    assert kept("My-exam") == [ExamQuestion("Who?", ("Ada", "A.", "B."))]
    said = words(app)
    assert "1 question kept as My-exam" in said
    assert "Rows left out: 1" in said and "Rows joined with others: 1" in said
    upload(app, "bad.jsonl", b"nonsense")
    assert "it is not JSON" in app.error[0].value and names() == ["My-exam"]


def test_columns_with_other_names_are_chosen(app):
    at(app)
    upload(app, "a.csv", b"Frage;Kurz;Lang\nWer?;Ada;Ada Brandt\n")
    assert names() == [] and "Which ones hold them?" in words(app)
    press(app, "Import")
    assert "'question' and 'answers' are expected" in app.error[0].value.replace("\\", "")
    app.multiselect[0].set_value(["Kurz", "Lang"]).run()
    press(app, "Import")
    assert kept("a") == [ExamQuestion("Wer?", ("Ada", "Ada Brandt"))]


def test_a_broken_exam_is_told_and_can_be_deleted(app):
    at(app, good=QUESTIONS)
    file = save_exam(get_lab().home, "bad", QUESTIONS)
    file.write_text("nonsense", encoding="utf-8")
    app.run()
    app.selectbox(key="exam_name").set_value("bad").run()
    assert "Line 1 of bad.jsonl is not JSON" in words(app)
    press(app, "Delete")
    assert names() == ["good"]


@pytest.fixture()
def unfinished(app):
    """An exam whose building was ended before its time."""
    get_lab().knowledge_base.add_bytes(b"The kite Bora costs 48 shillings.", "kites.txt")
    folder = building_folder(get_lab().home)
    folder.mkdir()
    wanted = Wanted("mine", None, 0, 0, 1)
    row = {"name": wanted.name, "run": None, **wanted.sizes}
    write_json(folder / "wanted.json", row)
    write_json(folder / "state.json", {"state": "failed", "message": "The server is gone."})
    line = {"question": "Where is Quillmere?", "answers": [], "unanswerable": True}
    (folder / "questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    return app


def test_an_exam_that_was_not_finished_goes_on(unfinished):
    app = at(unfinished)
    assert "The last exam was not finished: The server is gone." in words(app)
    press(app, "Go on")
    jobs.follow(building_folder(get_lab().home), lambda _message, _share: None)
    app.run()
    assert [one.question for one in kept("mine")] == ["Where is Quillmere?"]
    assert "The exam mine was built" in words(app)


def test_a_name_that_is_taken_is_told(unfinished):
    app = at(unfinished, mine=QUESTIONS)
    next(one for one in app.text_input if one.label == "Name").set_value("mine")
    press(app, "Build")
    assert "There is an exam 'mine' already" in words(app)
