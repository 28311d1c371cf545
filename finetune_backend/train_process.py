"""The training process: ``python -m finetune_backend.train_process RUN_FOLDER``.

On several GPUs there is one for each; see `finetune_backend.parallel`.
"""

import contextlib
import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from finetune_backend.estimate import peak_memory_gb
from finetune_backend.examples.read import read_examples
from finetune_backend.lora import Step, train
from finetune_backend.parallel import is_first, joined
from finetune_backend.rows import Row, make_rows
from finetune_backend.settings import TrainSettings
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, sync_folder, write_json
from workbench.language_models.loading import Checkpoint, find_checkpoint, load_tokenizer


def work(folder: Path) -> None:
    """Train what the run's folder describes, and leave a complete adapter or none."""
    with joined():
        if is_first():
            with jobs.working(folder) as job:
                _train(folder, job)
        else:
            # The first process tells what happened.
            with contextlib.suppress(jobs.Cancelled, RagtuneError):
                train(*_what(folder), lambda _step: None, folder / "adapter.partial")


def _train(folder: Path, job: jobs.Job) -> None:
    """Train, report every step, and write what was measured last of all."""
    job.say("Loading the language model")
    checkpoint, rows_of, settings = _what(folder)
    partial, steps = folder / "adapter.partial", list[Step]()
    with (folder / "steps.jsonl").open("a", encoding="utf-8") as log:

        def report(step: Step) -> None:
            steps.append(step)
            log.write(json.dumps(dataclasses.asdict(step)) + "\n")
            log.flush()
            job.say(f"Step {step.step} of {step.steps}")

        job.say("Training")
        try:
            train(checkpoint, rows_of, settings, report, partial)
        except jobs.Cancelled:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    adapter = folder / "adapter"
    partial.rename(adapter)
    sync_folder(folder)
    last_epoch = [step.loss for step in steps if step.epoch == settings.epochs]
    write_json(
        folder / "complete.json",
        {
            "adapter_sha256": sha256(adapter / "adapter_model.safetensors"),
            "measures": {
                "loss": sum(last_epoch) / len(last_epoch),
                "steps": len(steps),
                "seconds": steps[-1].seconds,
                "examples_per_second": steps[-1].examples_per_second,
                "peak_memory_gb": peak_memory_gb(),
            },
        },
    )


def _what(folder: Path) -> tuple[Checkpoint, Callable[[int], list[Row]], TrainSettings]:
    """Read what to train: the base model, what makes an epoch's rows, and the settings."""
    run = read_json(folder / "run.json")
    settings = TrainSettings(**run["settings"])
    examples = read_examples((folder / "examples.jsonl").read_bytes(), "examples.jsonl").examples
    checkpoint = find_checkpoint(run["checkpoint"])
    if checkpoint.sha256 != run["checkpoint_sha256"]:
        raise RagtuneError(f"The model {checkpoint.name} changed since the run was started.")
    tokenizer = load_tokenizer(checkpoint)

    def rows_of(epoch: int) -> list[Row]:
        return make_rows(
            examples,
            tokenizer,
            run["system_prompt"],
            settings.max_tokens,
            settings.word_dropout,
            seed=settings.seed * 1_000_003 + epoch,
        )

    return checkpoint, rows_of, settings


if __name__ == "__main__":
    work(Path(sys.argv[1]))
