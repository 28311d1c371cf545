"""Runs: a real, short fine-tune in its own process, and everything that can go wrong with one."""

import itertools
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from peft import PeftModel

from finetune_backend.examples.read import read_examples
from finetune_backend.runs import (
    cancel_run,
    delete_run,
    find_adapter,
    list_runs,
    pause_run,
    read_run,
    save_run,
    trained_facts,
)
from finetune_backend.saved import read_reached
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import resume_run, start_run
from finetune_backend.steps import read_steps
from workbench.errors import ExamplesError, RagtuneError
from workbench.language_models.loading import find_checkpoint, load_weights
from workbench.values import Example

LONG = TrainSettings(epochs=1000, batch_size=1)


@pytest.fixture()
def examples(examples_file):
    return read_examples(examples_file.read_bytes(), examples_file.name).examples


@pytest.fixture()
def checkpoint(tiny_model):
    return find_checkpoint(str(tiny_model))


def wait(run, done=lambda run: not run.state.active):
    deadline = time.monotonic() + 120
    while not done(run := read_run(run.folder)):
        assert time.monotonic() < deadline, run.state
        time.sleep(0.05)
    return run


def test_a_run_makes_an_adapter_that_peft_loads(tiny_lab, examples, checkpoint):
    settings = TrainSettings(epochs=30, batch_size=4, learning_rate=1e-2)
    run = wait(start_run(tiny_lab.home, examples, settings, checkpoint, name="first"))
    assert run.state.state == "done", run.state.message
    steps = read_steps(run.folder)
    assert len(steps) == steps[-1].steps == 60
    assert steps[-1].loss < steps[0].loss - 1.0
    assert run.measures["loss"] == pytest.approx(steps[-1].loss, rel=0.5)
    assert trained_facts(run) == {example.fact for example in examples}
    assert find_adapter(tiny_lab.home, None, checkpoint).name == run.name

    import torch

    base = load_weights(checkpoint, torch.float32, "cpu")
    PeftModel.from_pretrained(base, run.adapter)
    assert {file.suffix for file in run.adapter.iterdir()} <= {".safetensors", ".json", ".md"}

    chat = [{"role": "user", "content": examples[0].question}]
    engine = tiny_lab.engine()
    plain = "".join(p.text for p in engine.stream(chat, max_new_tokens=12))
    tuned = "".join(p.text for p in engine.stream(chat, adapter=run.adapter, max_new_tokens=12))
    again = "".join(p.text for p in engine.stream(chat, max_new_tokens=12))
    assert plain == again != tuned

    delete_run(run)
    assert list_runs(tiny_lab.home) == []


def test_cancelling_leaves_no_adapter_and_frees_the_way(tiny_lab, examples, checkpoint):
    run = start_run(tiny_lab.home, examples, LONG, checkpoint)
    wait(run, lambda run: len(read_steps(run.folder)) > 3)
    with pytest.raises(RagtuneError, match="is at work. Cancel it first"):
        delete_run(read_run(run.folder))
    cancel_run(run)
    run = wait(run)
    assert (run.state.state, run.complete) == ("cancelled", False)
    assert not (run.folder / "adapter").exists()
    with pytest.raises(RagtuneError, match="has no adapter"):
        find_adapter(tiny_lab.home, "adapter-1", checkpoint)
    second = start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint)
    assert second.name == "adapter-2"
    assert wait(second).complete


def test_a_killed_run_is_interrupted_and_claims_nothing(tiny_lab, examples, checkpoint):
    run = start_run(tiny_lab.home, examples, LONG, checkpoint)
    wait(run, lambda run: len(read_steps(run.folder)) > 3)
    kill(run)
    run = wait(run)
    assert (run.state.state, run.complete) == ("interrupted", False)


def test_a_paused_run_goes_on_as_if_nothing_had_been(tiny_lab, examples, checkpoint):
    """The same steps and the same adapter, to the bit."""
    settings = TrainSettings(epochs=40, batch_size=3, learning_rate=1e-2)
    whole = wait(start_run(tiny_lab.home, examples, settings, checkpoint, name="whole"))
    run = start_run(tiny_lab.home, examples, settings, checkpoint, name="paused")
    for reached in (10, 40):
        wait(run, lambda run, reached=reached: len(read_steps(run.folder)) > reached)
        with pytest.raises(RagtuneError, match="is running; only one that was paused"):
            resume_run(tiny_lab.home, run)
        pause_run(run)
        run = wait(run)
        assert (run.state.state, run.complete, run.can_go_on) == ("paused", False, True)
        run = resume_run(tiny_lab.home, run)
    run = wait(run)
    assert run.state.state == "done", run.state.message
    ours, theirs = read_steps(run.folder), read_steps(whole.folder)
    assert [(s.step, s.epoch, s.loss) for s in ours] == [(s.step, s.epoch, s.loss) for s in theirs]
    assert [s.learning_rate for s in ours] == [s.learning_rate for s in theirs]
    assert run.adapter_sha256 == whole.adapter_sha256
    assert not list(run.folder.glob("saved*"))
    with pytest.raises(RagtuneError, match="is done; only one that was paused"):
        resume_run(tiny_lab.home, run)


def test_a_killed_run_goes_on_from_what_it_saved(tiny_lab, examples, checkpoint):
    settings = TrainSettings(epochs=60, batch_size=2, replay=0.0)
    run = start_run(tiny_lab.home, examples, settings, checkpoint)
    wait(run, lambda run: len(read_steps(run.folder)) > 3)
    save_run(run)
    wait(run, lambda run: read_reached(run.folder))
    kill(run)
    run = wait(run)
    reached = read_reached(run.folder)
    assert (run.state.state, run.can_go_on) == ("interrupted", True) and reached.step > 3
    assert reached.examples == reached.step * 2
    run = wait(resume_run(tiny_lab.home, run))
    steps = read_steps(run.folder)
    assert run.complete, run.state.message
    assert [step.step for step in steps] == list(range(1, steps[-1].steps + 1))
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(steps))


def kill(run):
    (pid,) = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and str(run.folder).encode() in _command_line(process)
    ]
    os.kill(pid, signal.SIGKILL)


def _command_line(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_full_disk_fails_the_run_with_a_sentence(tiny_lab, examples, checkpoint):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        run = start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    run = wait(run)
    assert (run.state.state, run.complete) == ("failed", False)
    assert "is full. Free some space" in run.state.message


@pytest.mark.parametrize("name", ["../outside", "a b", "", "x" * 61, "-x", "é"])
def test_unusable_names_are_refused(tiny_lab, examples, checkpoint, name):
    with pytest.raises(RagtuneError, match="can't be the name"):
        start_run(tiny_lab.home, examples, LONG, checkpoint, name=name)
    assert list_runs(tiny_lab.home) == []


def test_a_name_is_used_once(tiny_lab, examples, checkpoint):
    wait(start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint, name="one"))
    with pytest.raises(RagtuneError, match="already"):
        start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint, name="one")


def test_too_few_examples_are_refused_before_anything_starts(tiny_lab, checkpoint):
    with pytest.raises(ExamplesError, match="1 example"):
        start_run(tiny_lab.home, [Example("Who?", "Ada.", "f")], LONG, checkpoint)
    assert list_runs(tiny_lab.home) == []


def test_an_adapter_for_another_model_is_refused(
    tiny_lab, examples, checkpoint, tiny_model, tmp_path
):
    run = wait(start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint))
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    config = (other / "config.json").read_text(encoding="utf-8")
    (other / "config.json").write_text(config.replace("1e-06", "1e-05"), encoding="utf-8")
    with pytest.raises(RagtuneError, match="was trained for"):
        find_adapter(tiny_lab.home, run.name, find_checkpoint(str(other)))
    with pytest.raises(RagtuneError, match="No adapter has been trained"):
        find_adapter(tiny_lab.home, None, find_checkpoint(str(other)))


def test_a_run_records_what_was_expected_and_what_it_took(tiny_lab, examples, checkpoint):
    run = wait(start_run(tiny_lab.home, examples, TrainSettings(epochs=2), checkpoint))
    assert run.complete, run.state.message
    assert 0 < run.estimate.seconds < 60
    assert run.measures["seconds"] > 0
    assert 0 < read_steps(run.folder)[0].memory_gb <= run.measures["peak_memory_gb"]
    # The tiny model weighs next to nothing beside the libraries.
    assert run.estimate.memory_gb == pytest.approx(run.measures["peak_memory_gb"], rel=0.25)


def test_too_little_memory_is_told_before_anything_starts(
    tiny_lab, examples, checkpoint, monkeypatch
):
    monkeypatch.setattr("finetune_backend.start_run.free_memory_gb", lambda: 0.1)
    with pytest.raises(RagtuneError, match=r"about 0\.\d GB of memory, but 0\.1 GB are free\. .*"):
        start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint)
    assert list_runs(tiny_lab.home) == []
