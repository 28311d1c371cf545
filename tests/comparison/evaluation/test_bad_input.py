"""What may go wrong with an evaluation's input: a sentence each, and no answer is lost."""

import json
import shutil
import time

import pytest

import cli
from comparison.columns import Column
from comparison.evaluation.kept import find_evaluation, read_evaluation
from comparison.evaluation.process import work
from comparison.evaluation.results import as_csv, as_json, results
from comparison.evaluation.rows import read_rows
from comparison.evaluation.start import make_evaluation, start_evaluation
from comparison.exams.exam import MAX_QUESTIONS, ExamQuestion, exam_from
from comparison.exams.kept import save_exam
from comparison.report.table import to_parquet
from workbench.errors import RagtuneError
from workbench.files import write_json

BASE = [Column("base")]


def exam(*rows):
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.fixture()
def lab(tiny_lab, monkeypatch):
    monkeypatch.setenv("RAGTUNE_ENGINE", "transformers")
    return tiny_lab


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"Frage,Antwort\nWer?,Ada\n", "mine.csv", "Line 1 of mine.csv is not JSON.*exams import"),
        (exam({"frage": "Wer?", "antwort": "Ada"}), "mine.jsonl", "Line 1 .* has no question"),
        (exam({"question": "Who?", "answer": "Ada"}), "mine.jsonl", r"unknown keys \['answer'\]"),
    ],
)
def test_wrong_columns_are_named(data, name, said):
    with pytest.raises(RagtuneError, match=said):
        exam_from(data, name)


def test_as_many_questions_as_are_allowed_can_be_asked(lab):
    started = time.monotonic()
    data = exam(*({"question": f"Q {n}?", "answers": ["A"]} for n in range(MAX_QUESTIONS)))
    folder = make_evaluation(lab, data, "large.jsonl", BASE)
    assert read_evaluation(folder).questions == MAX_QUESTIONS
    assert time.monotonic() - started < 20
    with pytest.raises(RagtuneError, match="has 100,001 questions; at most 100,000 are asked"):
        start_evaluation(lab, data + b'\n{"question": "?", "answers": ["A"]}', "l.jsonl", BASE)


def test_options_repeated_questions_and_several_forms_of_an_answer(lab, tmp_path, capsys):
    file = tmp_path / "mine.jsonl"
    sorting = {"question": "Sort.", "answers": ["fee", "a fee"], "options": ["fee", "lost card"]}
    again = {"question": "sort ", "answers": ["lost card"], "options": ["fee", "lost card"]}
    forms = {"question": "When?", "answers": ["17:20", "5:20 pm"], "pool": "untrained"}
    file.write_bytes(exam(sorting, again, forms))
    home = ["--home", str(lab.home.folder)]
    assert cli.main([*home, "evaluate", str(file), "--methods", "base", "--name", "one"]) == 0
    out = capsys.readouterr().out
    assert "option_accuracy_per_token" in out and "in the documents, never trained" in out
    evaluation = find_evaluation(lab.home, "one")
    found = results(evaluation)
    assert (evaluation.questions, evaluation.repeated) == (2, 1)
    sorted_, timed = found.rows
    assert len(sorted_["option_nats"]) == 2 and timed["option_nats"] is None
    assert timed["expected"] == ["17:20", "5:20 pm"]
    printed = json.loads(json.dumps(as_json(evaluation, found)))
    assert {"option_accuracy", "accuracy"} <= set(printed["methods"]["base"])
    assert {"option_accuracy", "accuracy"} <= set(printed["intervals"]["base"])
    assert printed["pools"]["untrained"]["questions"] == 1
    assert set(printed["pools"]["untrained"]["right"]["base"]) == {"value", "low", "high"}
    assert any("looked at after 1 answers, which took" in note for note in found.notes)
    assert as_csv(found).splitlines()[1].split(",")[-3] == sorted_["option_chosen"]
    assert len(to_parquet(found)) > 0


def test_a_column_for_each_adapter_that_is_named(evaluated_lab, capsys):
    home = evaluated_lab.home
    shutil.copytree(home.runs / "tuned", home.runs / "other")
    save_exam(home, "mine", [ExamQuestion("When?", ("17:20",))])
    chosen = ["--methods", "base,finetuned", "--adapter", "other", "--adapter", "tuned"]
    code = cli.main(["--home", str(home.folder), "evaluate", "mine", *chosen, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert list(json.loads(out)["methods"]) == ["base", "finetuned · other", "finetuned · tuned"]
    missing = ["--methods", "finetuned", "--adapter", "tuned", "--adapter", "none"]
    assert cli.main(["--home", str(home.folder), "evaluate", "mine", *missing]) == 1
    assert "finetuned · none can't answer yet: There is no" in capsys.readouterr().err


def test_a_server_that_answers_nothing_half_way(served_lab, openai_server):
    sorting = {"question": "Sort.", "answers": ["fee"], "options": ["fee", "lost card"]}
    data = exam(sorting, {"question": "When?", "answers": ["17:20"]})
    folder = make_evaluation(served_lab, data, "mine.jsonl", BASE, "one")
    openai_server.fault = "empty"
    work(folder)
    failed = read_evaluation(folder).state
    assert failed.state == "failed" and failed.message.endswith(".") and "\n" not in failed.message
    openai_server.fault = None
    work(folder)
    rows = read_rows(folder)
    assert [row["option_right"] for row in rows] == [None, None]
    assert "Options were not weighed: a server answers" in results(read_evaluation(folder)).notes[0]
    (folder / "rows.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    openai_server.fault = "empty"
    work(folder)
    assert read_evaluation(folder).state.state == "failed"
    assert list(read_rows(folder)) == [rows[0]]


@pytest.mark.parametrize("kind", ["nothing", "the same"])
def test_a_model_that_says_nothing_or_only_the_same(lab, kind, tiny_model, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    every = list(range(128_000)) if kind == "nothing" else None
    write_json(folder / "generation_config.json", {"eos_token_id": every})
    monkeypatch.setenv("RAGTUNE_MODEL", str(folder))
    data = exam(*({"question": f"Why {n}?", "answers": ["A"]} for n in range(3)))
    work(made := make_evaluation(lab, data, "mine.jsonl", BASE, "one"))
    found = results(read_evaluation(made))
    said = "said nothing in" if kind == "nothing" else "says the same words over and over in"
    assert f"base {said} 3 of 3 answers." in found.notes
    assert found.measures["base"]["right"] == 0.0
