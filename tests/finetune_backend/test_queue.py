"""The queue: real training processes, one at a time, whoever starts them and however they end."""

import json
import os
import signal
import threading
import time

import pytest

from finetune_backend import queue
from finetune_backend.examples.read import read_examples
from finetune_backend.runs import cancel_run, delete_run, list_runs, pause_run, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import resume_run, start_run
from finetune_backend.steps import read_steps
from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.language_models.loading import find_checkpoint

LONG = TrainSettings(epochs=1000, batch_size=1)
SHORT = TrainSettings(epochs=1)


@pytest.fixture()
def home(tiny_lab):
    yield tiny_lab.home
    for run in list_runs(tiny_lab.home)[::-1]:
        queue.leave(run.folder)
    for run in list_runs(tiny_lab.home):
        if run.state.active:
            kill(run)


@pytest.fixture()
def start(home, tiny_model, examples_file):
    """Start a run, or queue it."""
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    checkpoint = find_checkpoint(str(tiny_model))

    def start(name, settings=LONG):
        return start_run(home, examples, settings, checkpoint, name=name)

    return start


def wait(run, done=lambda run: run.state.ended):
    """Wait by reading the run's own state alone, as if no page and no command were open."""
    deadline = time.monotonic() + 120
    while not done(run := read_run(run.folder)):
        assert time.monotonic() < deadline, run.state
        time.sleep(0.05)
    return run


def trains(run):
    return len(read_steps(run.folder)) > 2


def kill(run):
    os.kill(int((run.folder / "pid").read_text()), signal.SIGKILL)


def states(home):
    return {run.name: run.state.state for run in list_runs(home)}


def test_the_next_one_starts_by_itself_however_the_one_before_ends(home, start):
    first, second, third = start("first"), start("second"), start("third", SHORT)
    assert [one.folder.name for one in queue.waiting(home)] == ["second", "third"]
    assert (second.state.state, third.state.state) == ("queued", "queued")
    wait(first, trains)
    assert queue.holder(home) == first.folder
    assert [queue.title(one) for one in queue.before(third.folder)] == ["first", "second"]
    assert queue.starts_in_seconds(third.folder) > queue.starts_in_seconds(second.folder) > 0
    cancel_run(first)
    assert wait(first).state.state == "cancelled"
    wait(second, trains)  # nobody but the ending process could have started it
    assert read_run(third.folder).state.queued
    pause_run(second)
    assert wait(second).state.state == "paused"
    assert wait(third).complete
    assert queue.waiting(home) == [] and not list(home.runs.glob("*/queued.json"))


def test_a_kill_of_the_active_one_lets_whoever_looks_start_the_next(home, start):
    first, second, third = start("first"), start("second"), start("third")
    wait(first, trains)
    kill(first)
    wait(first)
    assert read_run(second.folder).state.queued
    # Many look at the same moment.
    looking = [threading.Thread(target=list_runs, args=(home,)) for _ in range(8)]
    for one in looking:
        one.start()
    for one in looking:
        one.join()
    assert states(home)["first"] == "interrupted"
    assert read_run(second.folder).state.active and read_run(third.folder).state.queued


def test_the_order_is_changed_and_places_are_left(home, start):
    first, second, third = start("first"), start("second"), start("third")
    wait(first, trains)
    queue.to_front(third.folder)
    assert [one.folder for one in queue.waiting(home)] == [third.folder, second.folder]
    queue.to_front(first.folder)  # it runs already: nothing changes
    cancel_run(second)
    assert read_run(second.folder).state.state == "cancelled"
    assert not queue.leave(second.folder)
    delete_run(read_run(third.folder))
    assert not third.folder.exists() and queue.waiting(home) == []
    with pytest.raises(RagtuneError, match="is at work. Cancel it first"):
        delete_run(read_run(first.folder))


def test_work_of_this_process_takes_the_machine_where_nobody_has_it_or_wants_it(home, start):
    own = home.experiments / "wordings-1" / queue.TRAINED / "1 wording"
    own.mkdir(parents=True)
    assert queue.take(home, own)
    assert queue.holder(home) == own and queue.title(own) == "experiment wordings-1"
    first = start("first")
    assert first.state.queued and queue.before(first.folder) == [own]
    assert not queue.take(home, own)
    write_json(own / "state.json", {"state": "done", "message": ""})
    queue.start_next(home, queue.LOCK_SECONDS)
    assert queue.holder(home) == first.folder and not queue.take(home, own)


def test_a_paused_run_goes_on_behind_the_others_or_is_paused_again(home, start):
    first = start("first", TrainSettings(epochs=60, batch_size=2))
    wait(first, trains)
    pause_run(first)
    wait(first)
    second = start("second")
    assert resume_run(home, first).state.queued
    with pytest.raises(RagtuneError, match="is queued; only one that was paused"):
        resume_run(home, first)
    assert queue.leave(first.folder)
    assert read_run(first.folder).state.state == "paused"
    assert resume_run(home, first).state.queued
    wait(second, trains)
    cancel_run(second)
    first = wait(first)
    assert first.complete, first.state.message
    assert [step.step for step in read_steps(first.folder)] == list(range(1, 241))


def test_one_name_is_given_once_however_fast_it_is_asked_for(home, start):
    made, refused = [], []

    def press():
        try:
            made.append(start("twice"))
        except RagtuneError as error:
            refused.append(str(error))

    tabs = [threading.Thread(target=press) for _ in range(3)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert [run.name for run in made] == ["twice"] and states(home) == {
        "twice": made[0].state.state
    }
    assert refused == ["There is a fine-tune 'twice' already. Choose another name."] * 2


def test_what_does_not_fit_when_its_turn_comes_fails_and_the_next_one_starts(home, start):
    first, second, third = start("first"), start("second"), start("third", SHORT)
    wait(first, trains)
    run = read_json(second.folder / "run.json")
    run["estimate"]["memory_gb"] = 10_000.0
    write_json(second.folder / "run.json", run)
    cancel_run(first)
    second = wait(second)
    assert second.state.state == "failed" and "needs about 10000.0 GB" in second.state.message
    assert wait(third).complete


def test_what_a_kill_left_of_a_start_is_not_started_again(home, start):
    first, second = start("first"), start("second")
    wait(first, trains)
    left = json.loads((second.folder / "queued.json").read_text())
    write_json(first.folder / "queued.json", left)
    assert [one.folder for one in queue.waiting(home)] == [second.folder]
    (second.folder / "state.json").unlink()  # a kill before its state was written
    assert queue.waiting(home) == [] and "second" not in states(home)


def test_a_job_that_torchrun_s_process_starts_is_not_one_of_its_processes(home, start, monkeypatch):
    """With these, the training would wait forever for a second process."""
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    run = wait(start("alone", SHORT))
    assert run.complete, run.state.message
