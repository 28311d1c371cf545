"""Sweeps on the tiny model, in real processes: to their end, killed, paused, pruned, promoted."""

import dataclasses
import os
import signal
import time

import pytest

from finetune_backend import queue
from finetune_backend.examples.read import read_examples
from finetune_backend.runs import find_adapter, list_runs, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from finetune_backend.steps import read_steps
from finetune_backend.sweep.lines import lines, reached_name
from finetune_backend.sweep.promote import promote
from finetune_backend.sweep.space import Range
from finetune_backend.sweep.sweeps import (
    Budget,
    cancel_sweep,
    delete_sweep,
    expected_cost,
    find_sweep,
    list_sweeps,
    pause_sweep,
    read_sweep,
    resume_sweep,
    start_sweep,
)
from finetune_backend.sweep.trials import Epoch, Trial, write_trials
from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, write_json
from workbench.language_models.loading import find_checkpoint

SPACE = {"learning_rate": Range(1e-4, 1e-2), "epochs": Range(2, 4)}
SHORT = TrainSettings(batch_size=4)
LONG = TrainSettings(epochs=60, batch_size=2)
ONE = {"learning_rate": Range(1e-4, 1e-2)}


@pytest.fixture()
def examples(examples_file):
    return read_examples(examples_file.read_bytes(), examples_file.name).examples


@pytest.fixture()
def checkpoint(tiny_model):
    return find_checkpoint(str(tiny_model))


@pytest.fixture()
def start(tiny_lab, examples, checkpoint):
    """Start a sweep, or queue it; what still runs at the test's end is killed."""

    def start(name, settings=SHORT, space=SPACE, trials=3, minutes=None):
        budget = Budget(trials, minutes)
        return start_sweep(tiny_lab.home, examples, settings, space, checkpoint, budget, name=name)

    yield start
    for one in queue.waiting(tiny_lab.home):
        queue.leave(one.folder)
    if (left := queue.holder(tiny_lab.home)) is not None:
        kill(left)


def wait(sweep, done=lambda sweep: sweep.state.ended):
    deadline = time.monotonic() + 180
    while not done(sweep := read_sweep(sweep.folder)):
        assert time.monotonic() < deadline, sweep.state
        time.sleep(0.05)
    return sweep


def kill(folder):
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def within(number, steps=10):
    """Has the trial of this number made some steps, and not all?"""

    def reached(sweep):
        made = read_steps(sweep.folder / "trials" / str(number))
        return steps <= len(made) < made[0].steps

    return reached


def test_a_sweep_makes_its_trials_and_the_best_becomes_a_run(tiny_lab, start, checkpoint):
    sweep = wait(start("rates"))
    assert sweep.state.state == "done", sweep.state.message
    assert [trial.number for trial in sweep.trials] == [1, 2, 3]
    assert all(trial.state == "done" and trial.seconds > 0 for trial in sweep.trials)
    assert [len(trial.epochs) for trial in sweep.trials] == [
        t.params["epochs"] for t in sweep.trials
    ]
    # Without a sweep the examples would have been seen ten times: the nearest is four.
    assert sweep.trials[0].params == {"learning_rate": 1e-3, "epochs": 4}
    assert sweep.best.epochs[-1].loss == min(trial.epochs[-1].loss for trial in sweep.trials)
    kept = [place.name for place in (sweep.folder / "trials").iterdir()]
    assert kept == [str(sweep.best.number)]
    assert find_sweep(tiny_lab.home, "rates").trials == sweep.trials
    assert {(p.axis, p.trial) for p in lines(sweep)} == {
        (axis, number) for axis in ("learning_rate", "epochs", "loss") for number in (1, 2, 3)
    }
    assert all(0 <= point.height <= 1 for point in lines(sweep)) and reached_name(sweep) == "loss"

    started = time.monotonic()
    run = promote(tiny_lab.home, sweep)
    assert time.monotonic() - started < 2  # nothing is trained
    assert run.complete and run.name == f"rates-{sweep.best.number}"
    assert run.measures["loss"] == sweep.best.epochs[-1].loss
    assert run.settings.learning_rate == sweep.best.params["learning_rate"]
    assert run.adapter_sha256 == sha256(run.adapter / "adapter_model.safetensors")
    assert find_adapter(tiny_lab.home, None, checkpoint).name == run.name
    assert [one.name for one in list_runs(tiny_lab.home)] == [run.name]
    chat = [{"role": "user", "content": "Who founded Marlow Kites?"}]
    assert list(tiny_lab.engine().stream(chat, adapter=run.adapter, max_new_tokens=4))
    with pytest.raises(RagtuneError, match="already"):
        promote(tiny_lab.home, sweep)
    assert promote(tiny_lab.home, sweep, name="again").complete

    other = next(trial.number for trial in sweep.trials if trial != sweep.best)
    again = promote(tiny_lab.home, sweep, other)
    while not (again := read_run(again.folder)).state.ended:
        time.sleep(0.05)
    assert again.complete and again.measures["loss"] == pytest.approx(
        sweep.trials[other - 1].epochs[-1].loss
    )
    with pytest.raises(RagtuneError, match="no trial 4 that ended. Trials: 1, 2, 3"):
        promote(tiny_lab.home, sweep, 4)
    delete_sweep(sweep)
    assert list_sweeps(tiny_lab.home) == [] and read_run(run.folder).complete


def test_a_killed_and_paused_sweep_ends_as_one_that_was_left_alone(start, tiny_lab):
    alone = wait(start("alone", LONG, ONE))
    assert alone.state.state == "done", alone.state.message
    sweep = start("struck", LONG, ONE)
    wait(sweep, within(2))
    kill(sweep.folder)
    sweep = wait(sweep)
    assert (sweep.state.state, sweep.can_go_on) == ("interrupted", True)
    assert [trial.state for trial in sweep.trials] == ["done", "running"]
    sweep = resume_sweep(tiny_lab.home, sweep)
    wait(sweep, within(3))
    with pytest.raises(RagtuneError, match="is running; only one that was paused"):
        resume_sweep(tiny_lab.home, sweep)
    with pytest.raises(RagtuneError, match="is at work. Cancel it first"):
        delete_sweep(sweep)
    pause_sweep(sweep)
    assert wait(sweep).state.state == "paused"
    before = len(read_steps(sweep.folder / "trials" / "3"))
    sweep = wait(resume_sweep(tiny_lab.home, sweep))
    assert sweep.state.state == "done", sweep.state.message
    assert before >= 10
    assert [(t.params, t.epochs) for t in sweep.trials] == [
        (t.params, t.epochs) for t in alone.trials
    ]


def test_a_trial_below_the_median_is_pruned(start, tiny_lab):
    sweep = start("pruned", LONG, ONE, trials=4)
    wait(sweep, within(1))
    pause_sweep(sweep)
    sweep = wait(sweep)
    perfect = tuple(Epoch(0.0, 1.0, 0.0) for _ in range(60))
    (running,) = sweep.trials
    others = [
        Trial(number, {"learning_rate": number * 1e-3}, "done", perfect) for number in (1, 2, 3)
    ]
    write_trials(sweep.folder, [*others, dataclasses.replace(running, number=4)])
    sweep = wait(resume_sweep(tiny_lab.home, sweep))
    assert sweep.state.state == "done", sweep.state.message
    last = sweep.trials[-1]
    assert (last.state, last.number) == ("pruned", 4) and 0 < len(last.epochs) < 60
    assert "Below the median" in last.message and not (sweep.folder / "trials" / "4").exists()


def test_a_cancelled_sweep_keeps_what_came_to_its_end(start, tiny_lab):
    sweep = start("cancelled", LONG, ONE)
    with pytest.raises(RagtuneError, match="nothing to promote"):
        promote(tiny_lab.home, sweep)
    wait(sweep, within(2))
    cancel_sweep(sweep)
    sweep = wait(sweep)
    assert (sweep.state.state, sweep.can_go_on) == ("cancelled", False)
    assert [trial.state for trial in sweep.trials] == ["done", "stopped"]
    assert promote(tiny_lab.home, sweep, name="kept").complete
    with pytest.raises(RagtuneError, match="is cancelled; only one that was paused"):
        resume_sweep(tiny_lab.home, sweep)


def test_a_sweep_has_the_place_of_one_run(start, tiny_lab, examples, checkpoint):
    sweep = start("first", LONG, ONE)
    run = start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint, name="second")
    third = start("third", LONG, ONE, trials=1)
    assert run.state.queued and third.state.queued
    assert [queue.title(one) for one in queue.before(third.folder)] == ["sweep first", "second"]
    cancel_sweep(third)
    assert read_sweep(third.folder).state.state == "cancelled"
    wait(sweep, within(1))
    kill(sweep.folder)
    wait(sweep)
    list_sweeps(tiny_lab.home)
    while not (run := read_run(run.folder)).state.ended:
        time.sleep(0.05)
    assert run.complete


def test_time_that_is_used_up_ends_it(start):
    sweep = wait(start("short", LONG, ONE, trials=50, minutes=0.01))
    assert sweep.state.state == "done", sweep.state.message
    assert len(sweep.trials) < 50 and sweep.trials[-1].state in ("done", "stopped")


def test_trials_that_all_fail_end_it_with_the_reason(start, tiny_lab):
    sweep = start("wild", LONG, ONE, trials=9)
    wait(sweep, within(1))
    pause_sweep(sweep)
    wait(sweep)
    saved = read_json(sweep.folder / "sweep.json")
    write_json(sweep.folder / "sweep.json", {**saved, "checkpoint_sha256": "0"})
    sweep = wait(resume_sweep(tiny_lab.home, sweep))
    assert (sweep.state.state, sweep.can_go_on) == ("failed", True)
    assert "3 trials failed in a row. The model" in sweep.state.message
    assert [trial.state for trial in sweep.trials] == ["failed"] * 3
    with pytest.raises(RagtuneError, match="changed since the sweep was started"):
        promote(tiny_lab.home, sweep, 2)


def test_the_cost_is_told_and_nonsense_refused_before_anything_starts(
    tiny_lab, start, examples, checkpoint
):
    def cost(trials, minutes=None):
        budget = Budget(trials, minutes)
        return expected_cost(checkpoint, examples, TrainSettings(), SPACE, budget).seconds

    assert cost(6) == pytest.approx(6 * cost(1)) and cost(6, 0.001) == pytest.approx(0.06)
    for budget, said in (
        ((0, None), "0 trials"),
        ((1001, None), "1001 trials"),
        ((1, 0.0), "0 minutes"),
        ((1, float("nan")), "nan minutes"),
    ):
        with pytest.raises(RagtuneError, match=said):
            Budget(*budget)
    for name in ("../outside", "a b", ""):
        with pytest.raises(RagtuneError, match="can't be the name of a sweep"):
            start(name)
    with pytest.raises(RagtuneError, match="Every setting is fixed"):
        start("none", space={})
    with pytest.raises(RagtuneError, match="There is no sweep 'none'. Sweeps: none yet"):
        find_sweep(tiny_lab.home, "none")
    assert list_sweeps(tiny_lab.home) == []
