"""Many fine-tunes from a terminal: the queue, the list of runs, sweeps."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cli
from commands.training import told
from comparison.exams.exam import ExamQuestion
from comparison.exams.kept import save_exam
from finetune_backend import queue
from finetune_backend.lora import Step
from finetune_backend.runs import cancel_run, list_runs, read_run
from finetune_backend.saved import read_reached
from finetune_backend.steps import read_steps
from finetune_backend.sweep.sweeps import cancel_sweep, list_sweeps
from finetune_backend.train_process import SAVE_NOW
from workbench import jobs
from workbench.home import open_home

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture()
def home(tmp_path):
    home = open_home(tmp_path / "home")
    yield home
    for one in queue.waiting(home):
        queue.leave(one.folder)
    for run in list_runs(home):
        if run.state.active:
            cancel_run(run)
    for sweep in list_sweeps(home):
        if sweep.state.active:
            cancel_sweep(sweep)


@pytest.fixture()
def ragtune(home, tiny_model, examples_file, monkeypatch, capsys):
    """Run a command where examples are; returns the exit code, stdout and stderr."""
    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))

    def run(*arguments):
        code = cli.main(["--home", str(home.folder), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    assert run("examples", "import", examples_file)[0] == 0
    return run


@pytest.fixture()
def started(home, ragtune):
    """Start a command as a process of its own."""
    # Where the tests run in the background, Ctrl-C is ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes = []

    def start(*arguments):
        processes.append(
            subprocess.Popen(
                [sys.executable, ROOT / "cli.py", "--home", home.folder, *arguments],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def until(done):
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_runs_are_listed_noted_repeated_and_deleted(home, ragtune):
    assert "No fine-tunes yet" in ragtune("runs")[1]
    assert json.loads(ragtune("runs", "--json")[1]) == []
    assert ragtune("train", "--name", "one", "--set", "epochs=1", "--set", "rank=4")[0] == 0
    code, out, err = ragtune("train", "--like", "one", "--set", "epochs=2", "--json")
    assert code == 0, err
    assert json.loads(out)["adapter"] == "one-2" and "estimated" in err
    assert ragtune("runs", "note", "one", "The first.")[0] == 0
    two, one = json.loads(ragtune("runs", "--json")[1])
    assert (one["name"], one["notes"], two["notes"]) == ("one", "The first.", "")
    assert (two["settings"]["rank"], two["settings"]["epochs"]) == (4, 2)
    assert one["state"] == "done" and one["measures"]["loss"] == one["loss"] > 0
    assert [line.split()[0] for line in ragtune("runs")[1].splitlines()] == ["name", "one-2", "one"]
    assert json.loads(ragtune("runs", "delete", "one", "--json")[1]) == {"deleted": "one"}
    assert [run.name for run in list_runs(home)] == ["one-2"]


def test_what_a_fine_tune_reached_is_told_in_one_line():
    step = Step(3, 6, 1, 1.5, 5e-4, 2.5, 9.0, 8.7, memory_gb=1.234)
    assert told([step]) == ("step 3/6  loss 1.500  learning rate 5.0e-04  2.5 examples/s  1.23 GB")
    measured = dataclasses.replace(step, step=2, recall=0.831, validation_loss=1.25)
    assert told([measured, step]) == (
        "step 3/6  loss 1.500  recall 83%  validation loss 1.250  "
        "learning rate 5.0e-04  2.5 examples/s  1.23 GB"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs", "delete", "none"], "There is no adapter 'none'"),
        (["runs", "note", "none", "text"], "There is no adapter 'none'"),
        (["train", "--like", "none"], "There is no adapter 'none'"),
        (["train", "--like", "none", "--resume", "none"], "--resume goes on with"),
        (["sweep", "--set", "rank=8..4"], "expected to be smaller"),
        (["sweep", "--set", "dropout=0..0.5"], "dropout can't be searched"),
        (["sweep", "--trials", "0"], "0 trials were asked for"),
        (["sweep", "--resume", "none"], "There is no sweep 'none'"),
        (["sweep", "promote", "none"], "There is no sweep 'none'"),
        (["sweep", "delete", "none"], "There is no sweep 'none'"),
        (["sweep", "--resume", "none", "--dry-run"], "leave --dry-run and --approved-only out"),
        (["sweep", "--resume", "none", "--approved-only"], "leave --dry-run and"),
        (["train", "--resume", "none", "--dry-run"], "and --dry-run out"),
        (["pause", "none"], "There is no fine-tune or sweep 'none'. Those there are: none yet."),
        (["cancel", "none"], "There is no fine-tune or sweep 'none'"),
        (["save", "none"], "There is no fine-tune or sweep 'none'"),
    ],
)
def test_failures_are_one_clear_line(ragtune, arguments, said):
    code, out, err = ragtune(*arguments)
    assert (code, out) == (1, "") and said in err
    assert err.splitlines()[-1].startswith("ragtune: ")


def test_the_cost_is_told_before_anything_starts(home, ragtune):
    code, out, err = ragtune("train", "--dry-run", "--set", "epochs=1")
    assert code == 0 and "estimating …" in err
    assert re.fullmatch(r"estimated: \d+\.\d min, \d\.\d GB of memory\n", out)
    code, out, _ = ragtune("sweep", "--trials", 2, "--set", "rank=4..8", "--dry-run", "--json")
    assert code == 0 and json.loads(out)["estimate"]["seconds"] > 0
    assert list(home.runs.glob("*")) == list(home.sweeps.glob("*")) == []


def test_a_name_that_is_taken_is_told_before_the_estimate(home, ragtune, monkeypatch):
    for place in (home.runs, home.sweeps):
        (place / "taken").mkdir()
    for module in ("start_run", "sweep.sweeps"):
        monkeypatch.setattr(f"finetune_backend.{module}.estimate_run", None)
    for command in (["train"], ["sweep", "--set", "rank=4..8"]):
        code, _, err = ragtune(*command, "--name", "taken")
        assert code == 1 and "'taken' already. Choose another name." in err


def test_settings_are_listed_with_what_is_usual(ragtune):
    rows = {row["setting"]: row for row in json.loads(ragtune("train", "--settings", "--json")[1])}
    assert (rows["rank"]["default"], rows["rank"]["low"], rows["rank"]["high"]) == (16, 1, 512)
    assert "usually 8 to 64" in ragtune("train", "--settings")[1]


def test_what_is_at_work_is_saved_paused_and_cancelled_from_elsewhere(home, ragtune, started):
    sweep = home.sweeps / "long"
    started("sweep", "--name", "long", "--set", "epochs=1000", "--set", "rank=4..8")
    until((sweep / "trials" / "1" / "steps.jsonl").exists)
    started("train", "--name", "waits", "--set", "epochs=1000", "--set", "batch_size=1")
    run = home.runs / "waits"
    until(lambda: (run / "state.json").exists() and jobs.read(run).queued)
    assert "so there is nothing to pause" in ragtune("pause", "waits")[2]
    assert "is not a fine-tune at work" in ragtune("save", "long")[2]
    code, out, _ = ragtune("pause", "long")
    assert code == 0 and "go on with `ragtune sweep --resume long`" in out
    until(lambda: jobs.read(sweep).state == "paused")
    assert "'long' is not at work: it is paused." in ragtune("cancel", "long")[2]
    until(lambda: len(read_steps(run)) > 2)
    assert json.loads(ragtune("save", "waits", "--json")[1]) == {"saved": "waits"}
    until(lambda: read_reached(run) is not None and not (run / SAVE_NOW).exists())
    assert json.loads(ragtune("cancel", "waits", "--json")[1]) == {"cancelled": "waits"}
    until(lambda: jobs.read(run).state == "cancelled")
    assert json.loads(ragtune("sweep", "delete", "long", "--json")[1]) == {"deleted": "long"}
    assert not sweep.exists()


def test_train_waits_for_its_turn_and_leaves_the_queue_when_stopped(home, started):
    first = started("train", "--name", "first", "--set", "epochs=1000", "--set", "batch_size=1")
    folder = home.runs / "first"
    until(lambda: folder.exists() and len(read_steps(folder)) > 2)
    second = started("train", "--name", "second", "--set", "epochs=1")
    third = started("train", "--name", "third", "--set", "epochs=1")
    until(lambda: len(queue.waiting(home)) == 2)
    waiting = {one.folder.name: one for one in queue.waiting(home)}
    for process in (second, third):  # so that it has said what it waits for
        assert "waits for first" in _line(process, "waits for")
    third.send_signal(signal.SIGINT)
    _, err = third.communicate(timeout=60)
    assert third.returncode == 130 and "third left the queue." in err
    assert read_run(waiting["third"].folder).state.state == "cancelled"
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert "ragtune train --resume first" in err
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert "adapter second: loss" in out
    assert read_run(folder).state.state == "paused"


def _line(process, words):
    for line in process.stderr:
        if words in line:
            return line
    return ""


def test_a_sweep_is_made_listed_and_promoted(home, ragtune, examples_file):
    assert "No sweeps yet" in ragtune("sweep", "list")[1]
    question = json.loads(examples_file.read_text(encoding="utf-8").splitlines()[0])["question"]
    save_exam(home, "leaked", [ExamQuestion(question, ("a",))])
    options = ("--trials", 2, "--set", "epochs=1..2", "--set", "rank=4", "--set", "batch_size=4")
    code, out, err = ragtune("sweep", "--name", "rates", *options, "--json")
    assert code == 0, err
    made = json.loads(out)
    assert (made["sweep"], made["state"], len(made["trials"])) == ("rates", "done", 2)
    assert set(made["trials"][0]["params"]) == {"epochs", "learning_rate"}
    assert made["best"]["number"] in (1, 2) and "at most" in err
    assert "what the exam leaked asks, in the same words or nearly" in err
    (row,) = json.loads(ragtune("sweep", "list", "--json")[1])
    assert (row["sweep"], row["trials"]) == ("rates", 2)
    assert "rates" in ragtune("sweep", "list")[1]
    code, out, err = ragtune("sweep", "promote", "rates", "--as", "best", "--json")
    assert code == 0, err
    assert json.loads(out)["name"] == "best"
    other = 3 - made["best"]["number"]
    assert ragtune("sweep", "promote", "rates", "--trial", other)[1] == f"adapter rates-{other}\n"
    kept, unmeasured = ragtune("sweep", "promote", "rates", "--as", "kept")[1].splitlines()
    assert kept == "adapter kept"
    assert unmeasured.endswith("`ragtune train --like kept` trains it again and measures that.")
    names = {run.name for run in list_runs(home) if run.complete}
    assert names == {"best", "kept", f"rates-{other}"}
