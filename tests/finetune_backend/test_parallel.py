"""Two processes train the adapter that one process trains."""

import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from finetune_backend.examples.read import read_examples
from finetune_backend.examples.write import to_jsonl
from finetune_backend.runs import read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.steps import read_steps
from workbench.files import write_json
from workbench.language_models.loading import find_checkpoint

ROOT = Path(__file__).resolve().parent.parent.parent


GRADIENTS = """
import random, sys, torch
from safetensors.torch import save_file
from finetune_backend import parallel
from finetune_backend.lora import backward, divisors, with_lora
from finetune_backend.loss import AnswerLoss
from finetune_backend.rows import Row
from finetune_backend.settings import TrainSettings
from workbench.hardware import best_device
from workbench.language_models.loading import find_checkpoint, load_weights

device, rng = best_device(), random.Random(0)
def tokens(most):
    return tuple(rng.randrange(100, 40_000) for _ in range(rng.randint(1, most)))
batch = [Row((1, 2, 3, *tokens(30)), tokens(9)) for _ in range(7)]
batch += [Row((1,), tokens(20), general=True) for _ in range(2)]
torch.manual_seed(0)
with parallel.joined():
    base = load_weights(find_checkpoint(sys.argv[1]), torch.float32, device)
    loss_of, model = AnswerLoss(base, batch, device), with_lora(base, TrainSettings(rank=4))
    weights = {n: w for n, w in model.named_parameters() if w.requires_grad}
    with torch.no_grad():
        for weight in weights.values():
            weight.normal_(std=0.05)
    losses = backward(loss_of, parallel.share(batch), divisors(batch), 60)
    losses = parallel.add_up(list(weights.values()), losses)
    if parallel.is_first():
        made = {name: weight.grad.cpu().contiguous() for name, weight in weights.items()}
        save_file({**made, "losses": torch.tensor(losses)}, sys.argv[2])
"""


def start(processes, *command):
    torchrun = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")
    return subprocess.Popen(
        [sys.executable, *(torchrun if processes > 1 else ()), *map(str, command)],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture()
def train(tmp_path, tiny_model, examples_file):
    """Run the training process of a new run folder to its end, in so many processes."""
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    checkpoint = find_checkpoint(str(tiny_model))

    def run(name, processes, cancel_after_steps=None, **settings):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "examples.jsonl").write_bytes(to_jsonl(examples).encode())
        write_json(
            folder / "run.json",
            {
                "settings": asdict(TrainSettings(**settings)),
                "checkpoint": checkpoint.name,
                "checkpoint_sha256": checkpoint.sha256,
                "system_prompt": "",
                "examples": len(examples),
                "facts": 2,
                "created": 0.0,
            },
        )
        write_json(folder / "state.json", {"state": "starting", "message": ""})
        with start(processes, "-m", "finetune_backend.train_process", folder) as process:
            while cancel_after_steps and process.poll() is None:
                if len(read_steps(folder)) >= cancel_after_steps:
                    (folder / "cancel").touch()
                    break
                time.sleep(0.05)
            assert process.wait(240) == 0, process.stderr.read()
        return read_run(folder)

    return run


def test_the_gradients_of_two_processes_add_up_to_those_of_one(tmp_path, tiny_model):
    script, made = tmp_path / "gradients.py", {}
    script.write_text(GRADIENTS, encoding="utf-8")
    for processes in (1, 2):
        file = tmp_path / f"{processes}.safetensors"
        with start(processes, script, tiny_model, file) as process:
            assert process.wait(240) == 0, process.stderr.read()
        made[processes] = load_file(file)
    assert len(made[1]) == 2 * 2 * 7 + 1
    for name, alone in made[1].items():
        assert torch.dist(made[2][name], alone) <= 1e-5 * alone.norm(), name


def test_two_processes_train_one_adapter(train):
    # Of 8 examples the last batch has 3, so that the shares are unequal. In bfloat16 the
    # sums differ in their last bits, which Adam enlarges from step to step.
    settings = {"epochs": 2, "batch_size": 5, "learning_rate": 1e-3, "rank": 4}
    alone, both = train("alone", 1, **settings), train("both", 2, **settings)
    assert both.state.state == "done", both.state.message
    steps, expected = read_steps(both.folder), read_steps(alone.folder)
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert [step.loss for step in steps] == pytest.approx([s.loss for s in expected], rel=2e-3)
    ours, theirs = (load_file(run.adapter / "adapter_model.safetensors") for run in (both, alone))
    assert ours.keys() == theirs.keys()
    # Where each weight began is the same, and where it went is nearly so.
    for name, weight in theirs.items():
        assert torch.dist(ours[name], weight) < 0.3 * max(weight.norm(), 1e-3), name


def test_cancelling_ends_all_processes(train):
    run = train("cancelled", 2, cancel_after_steps=3, epochs=1000, batch_size=4)
    assert (run.state.state, run.complete) == ("cancelled", False)
    assert not (run.folder / "adapter.partial").exists()
