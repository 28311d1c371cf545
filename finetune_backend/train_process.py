"""The training process: ``python -m finetune_backend.train_process RUN_FOLDER``."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

from finetune_backend.examples.read import read_examples
from finetune_backend.lora import Step, train
from finetune_backend.rows import Row, make_rows
from finetune_backend.settings import TrainSettings
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, sync_folder, write_json
from workbench.language_models.loading import find_checkpoint, load_tokenizer


def work(folder: Path) -> None:
    """Train what the run's folder describes, and leave a complete adapter or none."""
    with jobs.working(folder) as job:
        run = read_json(folder / "run.json")
        settings = TrainSettings(**run["settings"])
        examples = read_examples(
            (folder / "examples.jsonl").read_bytes(), "examples.jsonl"
        ).examples
        job.say("Loading the language model")
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
                },
            },
        )


if __name__ == "__main__":
    work(Path(sys.argv[1]))
