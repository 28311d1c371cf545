"""What may go wrong with an evaluation's input: a sentence each, and no answer is lost."""

import json
import shutil
from datetime import date

import pytest

import cli
from comparison.columns import Column
from comparison.evaluation.kept import find_evaluation, read_evaluation
from comparison.evaluation.process import work
from comparison.evaluation.results import as_csv, as_json, results
from comparison.evaluation.rows import read_rows
from comparison.evaluation.start import make_evaluation, start_anew
from comparison.exams.exam import MAX_QUESTIONS, ExamQuestion
from comparison.exams.kept import save_exam
from comparison.report.contents import make_report
from comparison.report.markdown import to_markdown
from comparison.report.table import to_parquet
from workbench import jobs
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
        (b"Frage,Antwort\nWer?,Ada\n", "mine.csv", "has the columns 'Frage', 'Antwort', but"),
        (exam({"frage": "Wer?", "antwort": "Ada"}), "mine.jsonl", "Row 1: it has no question"),
        (b"Why?" + b"\xb6", "mine.jsonl", "is not UTF-8 text"),
    ],
)
def test_wrong_columns_are_named(lab, data, name, said):
    with pytest.raises(RagtuneError, match=said):
        make_evaluation(lab, data, name, BASE)


def test_what_can_not_be_asked_is_left_out_before_the_start(lab, tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_text(f"question,answer\nWho?,Ada\n{'x' * 4001}?,Ada\nwho?,Ada L.\n", "utf-8")
    home = ["--home", str(lab.home.folder)]
    assert cli.main([*home, "evaluate", str(file), "--methods", "base", "--name", "one"]) == 0
    out, err = capsys.readouterr()
    long = "row 3{}: the question has 4,002 characters, and 4,000 are the limit"
    assert (
        long.format(" left out") in err and "row 4 joined: it asks what row 2 asks, with 1" in err
    )
    assert f"Left out of the exam, as it can't be asked: {long.format('')}." in out
    evaluation = find_evaluation(lab.home, "one")
    assert [row["expected"] for row in read_rows(evaluation.folder)] == [["Ada", "Ada L."]]
    anew = start_anew(lab, evaluation)
    jobs.follow(anew.folder, lambda message, share: None)
    assert (anew.exam, anew.questions) == ("mine.jsonl", 1)
    assert cli.main([*home, "evaluate", "nothing"]) == 1
    assert "There is no file and no exam 'nothing'. Exams: the sample's." in capsys.readouterr().err


def test_as_many_questions_as_are_allowed_can_be_asked(lab):
    data = exam(*({"question": f"Q {n}?", "answers": ["A"]} for n in range(MAX_QUESTIONS)))
    folder = make_evaluation(lab, data, "large.jsonl", BASE)
    assert read_json(folder / "evaluation.json")["questions"] == MAX_QUESTIONS
    with pytest.raises(RagtuneError, match="has more than 100,000 rows"):
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
    assert any("looked at after 1 answer, which took" in note for note in found.notes)
    assert as_csv(found.rows).splitlines()[1].split(",")[-3] == sorted_["option_chosen"]
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


def test_what_was_trained_on_is_told(evaluated_lab, trained_run, capsys):
    lab = evaluated_lab
    unknown = "What tuned learned from is not known, nor whether the exam was in it."
    before = find_evaluation(lab.home, "one")
    assert unknown in results(before).notes and as_json(before, results(before))["leaks"] == {
        "tuned": None
    }
    assert cli.main(["--home", str(lab.home.folder), "adapters", "--json"]) == 0
    (adapter,) = json.loads(capsys.readouterr().out)
    assert (adapter["examples"], adapter["facts"]) == (None, None)
    trained_run(lab.home, [{"question": "When does the workshop close?", "answer": "17:20"}])
    asked = [
        {"question": one, "answers": ["17:20"]} for one in ("Who?", "when does the workshop close?")
    ]
    other = shutil.copytree(lab.home.runs / "tuned", lab.home.runs / "other") / "run.json"
    saved = read_json(other)
    write_json(other, saved | {"settings": saved["settings"] | {"seed": 1}})
    columns = [Column("finetuned", "tuned"), Column("finetuned", "other")]
    work(folder := make_evaluation(lab, exam(*asked), "m.jsonl", columns, "leaked"))
    made = read_evaluation(folder)
    leaked = "1 of 2 questions was trained on in the runs tuned, other: 1 word for word."
    assert any(note.startswith(leaked) for note in results(made).notes)
    assert as_json(made, results(made))["leaks"] == {"tuned": [1], "other": [1]}
    assert leaked in to_markdown(make_report(lab, made, date(2026, 1, 1)))
    file = lab.home.folder / "some.csv"
    file.write_text("question,answer\nWhen does the workshop close?,17:20\n", encoding="utf-8")
    home = ["--home", str(lab.home.folder)]
    assert cli.main([*home, "evaluations", "show", "leaked"]) == 0
    out = capsys.readouterr().out
    assert leaked in out and "finetuned over 2 seeds (tuned, other): " in out
    (seeds,) = as_json(made, results(made))["seeds"]
    assert seeds["adapters"] == ("tuned", "other") and seeds["sentence"] in out
    assert cli.main([*home, "exams", "check", str(file), "--run", "tuned"]) == 0
    assert "1 of 1 questions was trained on in the run tuned" in capsys.readouterr().out


def test_a_server_that_answers_nothing_half_way(served_lab, openai_server):
    sorting = {"question": "Sort.", "answers": ["fee"], "options": ["fee", "lost card"]}
    data = exam(sorting, {"question": "When?", "answers": ["17:20"]})
    folder = make_evaluation(served_lab, data, "mine.jsonl", BASE, "one")
    openai_server.fault = "empty"
    work(folder)
    failed = read_evaluation(folder).state
    assert failed.state == "failed" and "\n" not in failed.message
    assert failed.message.startswith("Question 1 of 2, base, “Sort.”: ")
    assert failed.message.endswith(
        "Kept are 0 of 2 answers. Once that is put right, go on from there: page Evaluate, or "
        "`ragtune evaluate --resume one`."
    )
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
    assert "Kept are 1 of 2 answers." in read_evaluation(folder).state.message
    openai_server.fault = None
    work(folder)
    openai_server.fault = "empty"
    write_json(folder / "again.json", [[0, "base"]])
    work(folder)
    assert read_evaluation(folder).state.message.endswith("once that is put right, ask it again.")


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
