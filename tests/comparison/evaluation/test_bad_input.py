"""What may go wrong with an evaluation's input: a sentence each, and no answer is lost."""

import json
import shutil

import pytest

import cli
from comparison.columns import Column
from comparison.evaluation.kept import find_evaluation, read_evaluation
from comparison.evaluation.process import work
from comparison.evaluation.results import as_csv, as_json, results
from comparison.evaluation.rows import read_rows
from comparison.evaluation.start import make_evaluation
from comparison.exams.exam import MAX_QUESTIONS, ExamQuestion, exam_from
from comparison.exams.kept import save_exam
from comparison.report.table import to_parquet
from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.language_models.loading import find_checkpoint, load_tokenizer

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
    data = exam(*({"question": f"Q {n}?", "answers": ["A"]} for n in range(MAX_QUESTIONS)))
    folder = make_evaluation(lab, data, "large.jsonl", BASE)
    assert read_json(folder / "evaluation.json")["questions"] == MAX_QUESTIONS
    with pytest.raises(RagtuneError, match="has 100,001 questions; at most 100,000 are asked"):
        make_evaluation(lab, data + b'\n{"question": "?", "answers": ["A"]}', "l.jsonl", BASE)


def test_options_repeated_questions_and_several_forms_of_an_answer(lab, capsys):
    sorting = {"question": "Sort.", "answers": ["fee", "a fee"], "options": ["fee", "lost card"]}
    again = {"question": " sort.", "answers": ["lost card"], "options": ["fee", "lost card"]}
    forms = {"question": "When?", "answers": ["17:20", "5:20 pm"], "pool": "untrained"}
    work(make_evaluation(lab, exam(sorting, again, forms), "mine.jsonl", BASE, "one"))
    assert cli.main(["--home", str(lab.home.folder), "evaluations", "show", "one"]) == 0
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


def says_nothing(tiny_model, folder):
    """Make a model of which every first token ends the answer."""
    shutil.copytree(tiny_model, folder)
    write_json(folder / "generation_config.json", {"eos_token_id": list(range(49_152))})


def repeats_itself(tiny_model, folder):
    """Make a model that knows two words."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shutil.copytree(tiny_model, folder)
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(folder, tie_word_embeddings=False))
    tokenizer = load_tokenizer(find_checkpoint(str(tiny_model)))
    one, other = tokenizer(" kite wind", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.weight[one], model.lm_head.weight[other] = 1.0, -1.0
    model.save_pretrained(folder)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (says_nothing, "base said nothing in 3 of 3 answers."),
        (repeats_itself, "base says the same words over and over in 3 of 3 answers."),
    ],
)
def test_a_model_without_anything_to_say_is_named(
    lab, make, said, tiny_model, tmp_path, monkeypatch
):
    make(tiny_model, tmp_path / "model")
    monkeypatch.setenv("RAGTUNE_MODEL", str(tmp_path / "model"))
    data = exam(*({"question": f"Why {n}?", "answers": ["A"]} for n in range(3)))
    work(made := make_evaluation(lab, data, "mine.jsonl", BASE, "one"))
    assert read_evaluation(made).state.state == "done"
    found = results(read_evaluation(made))
    assert said in found.notes and found.measures["base"]["right"] == 0.0
