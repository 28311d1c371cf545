"""Runs: a real, short fine-tune in its own process, and everything that can go wrong with one."""

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
    read_run,
    read_steps,
    start_run,
    trained_facts,
)
from finetune_backend.settings import TrainSettings
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
    steps = read_steps(run)
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
    wait(run, lambda run: len(read_steps(run)) > 3)
    with pytest.raises(RagtuneError, match="'adapter-1' is still running"):
        start_run(tiny_lab.home, examples, LONG, checkpoint)
    with pytest.raises(RagtuneError, match="still running"):
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
    wait(run, lambda run: len(read_steps(run)) > 3)
    (pid,) = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and str(run.folder).encode() in _command_line(process)
    ]
    os.kill(pid, signal.SIGKILL)
    run = wait(run)
    assert (run.state.state, run.complete) == ("interrupted", False)


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
    # The tiny model weighs next to nothing beside the libraries.
    assert run.estimate.memory_gb == pytest.approx(run.measures["peak_memory_gb"], rel=0.25)


def test_too_little_memory_is_told_before_anything_starts(
    tiny_lab, examples, checkpoint, monkeypatch
):
    monkeypatch.setattr("finetune_backend.runs.free_memory_gb", lambda: 0.1)
    with pytest.raises(RagtuneError, match=r"about 0\.\d GB of memory, but 0\.1 GB are free\. .*"):
        start_run(tiny_lab.home, examples, TrainSettings(epochs=1), checkpoint)
    assert list_runs(tiny_lab.home) == []
