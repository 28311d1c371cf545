"""Experiments as jobs of their own: started, paused, gone on with from a terminal, deleted."""

import json
import time

import pytest

import cli
from comparison.exams.exam import ExamQuestion
from comparison.exams.kept import exam_files, save_exam
from comparison.exams.received import receive
from comparison.experiments.asking import Asker
from comparison.experiments.keeper import Keeper
from comparison.experiments.kept import (
    ExamFile,
    check_conditions,
    delete_experiment,
    experiment_conditions,
    find_kept,
    list_kept,
    read_exam_file,
    read_experiment,
    start_experiment,
)
from comparison.lab import open_lab
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import write_json


def test_it_pauses_and_goes_on_from_the_command_line(lab, exam, capsys):
    kept = start_experiment(lab, "context", exam)
    jobs.pause(kept.folder)
    with pytest.raises(RagtuneError, match="'context-1' is at work"):
        start_experiment(lab, "context", exam)
    with pytest.raises(RagtuneError, match="Cancel it first"):
        delete_experiment(kept)
    deadline = time.monotonic() + 60
    while (kept := read_experiment(kept.folder)).state.active:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert kept.state.state == "paused" and kept.can_go_on
    assert kept.adapter is None and kept.conditions["the setting read"] == 1
    assert not any(name.startswith("the adapter") for name in kept.conditions)

    home = ["--home", str(lab.home.folder)]
    assert cli.main([*home, "experiments", "show", "context-1"]) == 1
    assert "found nothing yet: it is paused" in capsys.readouterr().err
    assert cli.main([*home, "experiments", "report", "context-1"]) == 1
    assert "ragtune experiment --resume context-1" in capsys.readouterr().err
    assert cli.main([*home, "experiment", "--resume", "context-1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["experiment"], told["exam"]) == ("context-1", "kites.jsonl")
    assert len(told["rows"]) == 3 * 2 and told["caption"].startswith("RAG follows")
    assert cli.main([*home, "experiments", "--json"]) == 0
    listed = {one["key"]: one["started"] for one in json.loads(capsys.readouterr().out)}
    assert listed.pop("context") == ["context-1"] and set(map(tuple, listed.values())) == {()}

    assert cli.main([*home, "experiment", "--resume", "context-1"]) == 1
    assert "is done; only one that was paused" in capsys.readouterr().err
    assert cli.main([*home, "experiments", "show", "context-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    reported = [*home, "experiments", "report", "context-1", "--out", str(lab.home.folder / "out")]
    assert cli.main(reported) == 0
    written = {kind: lab.home.folder / f"out/context-1.{kind}" for kind in ("html", "md", "csv")}
    assert capsys.readouterr().out.split()[1::2] == [str(file) for file in written.values()]
    text = written["md"].read_text(encoding="utf-8")
    assert text.startswith("# Context dependence: ") and told["caption"][:40] in text
    assert "ragtune experiment context --exam kites.jsonl --set questions=30" in text
    assert "<svg" in written["html"].read_text(encoding="utf-8")
    assert len(written["csv"].read_text(encoding="utf-8-sig").splitlines()) == 1 + 3 * 2
    assert cli.main([*home, "experiments", "delete", "context-1"]) == 0
    assert list_kept(lab.home) == [] and not kept.folder.exists()
    with pytest.raises(RagtuneError, match="no experiment 'context-1'. Experiments: none yet"):
        find_kept(lab.home, "context-1")


def test_a_kept_exam_is_found_by_its_name_and_a_failure_says_how_to_go_on(lab, exam, capsys):
    home = ["--home", str(lab.home.folder)]
    assert cli.main([*home, "experiment", "context", "--exam", "kites"]) == 1
    assert "no file and no exam 'kites'. Exams: the sample's." in capsys.readouterr().err
    save_exam(lab.home, "kites", receive(exam.data, exam.name).questions)
    assert cli.main([*home, "experiment", "context", "--exam", "kites"]) == 0
    out, err = capsys.readouterr()
    assert "exam: kites.jsonl" in err and "Exam: kites.jsonl. RAG follows" in out
    keeper = Keeper(lab.home.experiments / "context-1", lambda message, share: None)
    asker = Asker(lab, lab.engine(), None, keeper)
    question = ExamQuestion("x" * 5000, ("a",))
    with pytest.raises(RagtuneError, match=r"^Edited, question 3, base, “x+…”: .* Kept are 6 ans"):
        asker.ask("edited", 2, question, ["base"], lambda answer: {})


def test_what_cannot_begin_is_told_and_leaves_nothing(lab, exam, capsys):
    with pytest.raises(RagtuneError, match="Hybrid can't begin yet: No adapter"):
        start_experiment(lab, "hybrid", exam)
    with pytest.raises(RagtuneError, match="There is no adapter 'two'"):
        start_experiment(lab, "context", exam, adapter="two")
    with pytest.raises(
        RagtuneError, match="The only row of 'bad.jsonl' can't be asked. Row 1: it is not JSON"
    ):
        start_experiment(lab, "context", ExamFile("bad.jsonl", b"question;answer"))
    with pytest.raises(RagtuneError, match="can't be read: No such file"):
        read_exam_file(lab.home.folder / "none.jsonl")
    lab.knowledge_base.remove("kites.md")
    with pytest.raises(RagtuneError, match="can't begin yet: No documents yet"):
        start_experiment(lab, "context", exam)
    home = ["--home", str(lab.home.folder)]
    for arguments, said in (
        ([], "Either the key"),
        (["nothing"], "There is no experiment 'nothing'"),
        (["context", "--set", "questions=many"], "a whole number was expected"),
        (["context", "--resume", "context-1"], "Either the key"),
        (["--resume", "context-1"], "no experiment 'context-1'. Experiments: none yet"),
    ):
        assert cli.main([*home, "experiment", *arguments]) == 1
        assert said in capsys.readouterr().err
    assert list_kept(lab.home) == []
    assert cli.main([*home, "experiments"]) == 0
    assert "context      A passage says something false." in capsys.readouterr().out


def test_answers_under_other_conditions_are_not_mixed(lab, exam):
    folder = lab.home.folder / "experiments" / "context-1"
    folder.mkdir(parents=True)
    (folder / "exam.jsonl").write_bytes(exam.data)
    write_json(
        folder / "experiment.json",
        {
            "key": "context",
            "exam": exam.name,
            "adapter": None,
            "options": {},
            "conditions": experiment_conditions(lab, exam.data, None),
            "created": 0.0,
        },
    )
    write_json(folder / "state.json", {"state": "paused", "message": "Paused"})
    kept = read_experiment(folder)
    check_conditions(lab, kept)
    lab.knowledge_base.add_bytes(b"Something new.", "new.txt")
    with pytest.raises(RagtuneError, match="this has changed: the documents"):
        check_conditions(lab, kept)


def test_a_homes_own_exams_come_before_the_samples(tmp_path, exam):
    lab = open_lab(tmp_path)
    assert list(exam_files(lab.home)) == ["the sample's"]
    own = lab.home.folder / "exams" / "kites.jsonl"
    own.parent.mkdir()
    own.write_bytes(exam.data)
    assert list(exam_files(lab.home)) == ["kites", "the sample's"]
    assert read_exam_file(exam_files(lab.home)["kites"]) == exam
