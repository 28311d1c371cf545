"""How fast and how well the trainer learns, beside TRL: ``python -m benchmarks.training``.

About 25 minutes on two cores. TRL comes with ``make install-peers``.
"""

import contextlib
import dataclasses
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.metrics import contains
from finetune_backend.examples.read import read_examples
from finetune_backend.lora import Step, train
from finetune_backend.rows import Row, make_rows
from finetune_backend.runs import read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from workbench.hardware import best_device
from workbench.home import open_home
from workbench.jobs import LARGE_PAGES
from workbench.language_models.loading import (
    Checkpoint,
    find_checkpoint,
    load_tokenizer,
    load_weights,
)
from workbench.language_models.prompts import messages, render
from workbench.settings import DEFAULT_MODEL
from workbench.values import Example

FACTS, WORDINGS, UNSEEN = 18, 6, 2
SEEDS = range(5)
SETTINGS = TrainSettings(
    epochs=5, batch_size=16, rank=16, alpha=32, learning_rate=1e-3, word_dropout=0.0
)
PEER = "TRL, all weights bfloat16, its fastest attention, no gradient checkpointing, fused AdamW"

Trainer = Callable[[Checkpoint, Sequence[Row], TrainSettings, Path], float]
"""Trains on the rows, writes an adapter, and returns the examples per second."""


def main() -> None:
    """Measure, and print the report."""
    if not LARGE_PAGES.keys() <= os.environ.keys():
        # As a job has them; both trainers, here. The C library looks for it as it starts.
        command = [sys.executable, "-m", "benchmarks.training"]
        os.execve(sys.executable, command, {**os.environ, **LARGE_PAGES})
    checkpoint = find_checkpoint(DEFAULT_MODEL)
    rows, unseen = training_rows(checkpoint), unseen_wordings()
    tell(
        f"{len(rows)} rows of {mean(map(len, rows)):.1f} tokens, "
        f"{mean(len(row.answer) for row in rows):.1f} supervised"
    )
    errors = [estimate_errors(*case) for case in estimated(checkpoint)]
    trainers: dict[str, Trainer] = {"ours": train_ours}
    if importlib.util.find_spec("trl"):
        trainers["trl"] = train_with_trl
    speeds, losses, shares = ({name: list[float]() for name in trainers} for _ in range(3))
    for seed in SEEDS:
        settings = dataclasses.replace(SETTINGS, seed=seed)
        for name, run in trainers.items():
            with tempfile.TemporaryDirectory() as folder:
                speeds[name].append(run(checkpoint, rows, settings, Path(folder)))
                loss, share = quality(checkpoint, Path(folder), rows, unseen)
            losses[name].append(loss)
            shares[name].append(share)
            tell(
                f"seed {seed}, {name}: {speeds[name][-1]:.2f} examples/s, "
                f"loss {loss:.4f}, {share:.3f} of unseen wordings answered"
            )
    print_report(
        "training",
        [
            *(
                figure(
                    f"{kind}_estimate_error",
                    max(abs(error[kind]) for error in errors),
                    "share",
                    "lower",
                    0.25,
                    runs=[error[kind] for error in errors],
                )
                for kind in ("time", "memory")
            ),
            against("training_speedup", "x", "higher", 3.5, speeds, lambda ours, trl: ours / trl),
            against(
                "final_loss_difference", "nats", "lower", 0.02, losses, lambda ours, trl: ours - trl
            ),
            against(
                "held_out_accuracy_difference",
                "share",
                "higher",
                -0.03,
                shares,
                lambda ours, trl: ours - trl,
            ),
        ],
    )


def estimated(checkpoint: Checkpoint) -> list[tuple[Checkpoint, list[Example], TrainSettings]]:
    """Return three fine-tunes unlike each other: the sample's, large matrices, long rows."""
    examples = list(read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples)
    words = (sample.FOLDER / "meeting_minutes.md").read_text(encoding="utf-8").split()
    long = [
        dataclasses.replace(example, answer=" ".join(words[start : start + 250]))
        for start, example in enumerate(examples[:36])
    ]
    return [
        (checkpoint, examples, TrainSettings(epochs=2)),
        (checkpoint, examples, TrainSettings(epochs=1, rank=64, batch_size=4)),
        (checkpoint, long, TrainSettings(epochs=2)),
    ]


def estimate_errors(
    checkpoint: Checkpoint, examples: list[Example], settings: TrainSettings
) -> dict[str, float]:
    """Return by which share of what happened the estimates were too high."""
    with tempfile.TemporaryDirectory() as folder:
        run = start_run(open_home(folder), examples, settings, checkpoint)
        while run.state.active:
            time.sleep(0.2)
            run = read_run(run.folder)
    if run.measures is None or run.estimate is None:
        raise SystemExit(f"The fine-tune is {run.state.state}: {run.state.message}")
    expected, measured = run.estimate, run.measures
    tell(
        f"estimated {expected.seconds:.0f} s and {expected.memory_gb:.2f} GB, "
        f"measured {measured['seconds']:.0f} s and {measured['peak_memory_gb']:.2f} GB"
    )
    return {
        "time": expected.seconds / measured["seconds"] - 1,
        "memory": expected.memory_gb / measured["peak_memory_gb"] - 1,
    }


def against(
    name: str,
    unit: str,
    better: str,
    target: float,
    measured: dict[str, list[float]],
    compare: Callable[[float, float], float],
) -> dict[str, Any]:
    """Return a figure of our median beside TRL's, with each seed's pair as its runs."""
    ours = measured["ours"]
    if "trl" not in measured:
        why = "TRL is not installed: make install-peers."
        return figure(name, None, unit, better, target, runs=ours, why=why, peer=PEER)
    trl = measured["trl"]
    made = figure(
        name,
        compare(median(ours), median(trl)),
        unit,
        better,
        target,
        runs=[compare(*pair) for pair in zip(ours, trl, strict=True)],
        peer=PEER,
    )
    return {**made, "ours": ours, "trl": trl}


def training_rows(checkpoint: Checkpoint) -> list[Row]:
    """Return the rows of the sample's first facts, as they are trained on."""
    chosen: dict[str, list[Any]] = {}
    for example in read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples:
        chosen.setdefault(example.fact, []).append(example)
    examples = [example for fact in list(chosen)[:FACTS] for example in chosen[fact][:WORDINGS]]
    return make_rows(examples, load_tokenizer(checkpoint), "", TrainSettings().max_tokens)


def unseen_wordings() -> list[dict[str, Any]]:
    """Return questions about the same facts in words that were not trained on."""
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples
    facts = list(dict.fromkeys(example.fact for example in examples))[:FACTS]
    lines = sample.WORDINGS.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    return [
        item for fact in facts for item in [item for item in asked if item["fact"] == fact][:UNSEEN]
    ]


def train_ours(
    checkpoint: Checkpoint, rows: Sequence[Row], settings: TrainSettings, folder: Path
) -> float:
    """Train with Ragtune."""
    steps: list[Step] = []
    train(checkpoint, lambda _epoch: rows, settings, steps.append, folder)
    return steps[-1].examples_per_second


def train_with_trl(
    checkpoint: Checkpoint, rows: Sequence[Row], settings: TrainSettings, folder: Path
) -> float:
    """Train with TRL's SFTTrainer on the same tokens, as fast as it goes.

    Of its configurations this was the fastest: all weights in bfloat16, on a CPU eager
    attention, nothing logged or saved on the way. Grouping rows by length did not help.
    """
    import datasets
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc] # transformers is untyped here
        def on_step_begin(self, *_args: Any, **_kwargs: Any) -> None:
            times.append(time.perf_counter())

        on_step_end = on_step_begin

    datasets.disable_progress_bars()
    torch.manual_seed(settings.seed)
    device = best_device()
    model = load_weights(checkpoint, torch.bfloat16, device)
    if device == "cpu":
        model.set_attn_implementation("eager")
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    data = [
        {
            "input_ids": [*row.prompt, *row.answer],
            "completion_mask": [0] * len(row.prompt) + [1] * len(row.answer),
        }
        for row in rows
    ]
    trainer = SFTTrainer(
        get_peft_model(model, config, autocast_adapter_dtype=False),
        args=SFTConfig(
            output_dir=str(folder),
            bf16=True,
            gradient_checkpointing=False,
            completion_only_loss=True,
            use_cpu=device == "cpu",
            per_device_train_batch_size=settings.batch_size,
            num_train_epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            lr_scheduler_type="cosine_with_min_lr",
            lr_scheduler_kwargs={"min_lr_rate": 0.1},
            warmup_steps=settings.warmup,
            optim="adamw_torch_fused",
            seed=settings.seed,
            max_length=settings.max_tokens,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
        train_dataset=datasets.Dataset.from_list(data),
        processing_class=load_tokenizer(checkpoint),
        callbacks=[Clock()],
    )
    with contextlib.redirect_stdout(sys.stderr):  # TRL prints a summary; ours is JSON
        trainer.train()
    trainer.model.save_pretrained(folder)
    return len(rows) * settings.epochs / (times[-1] - times[0])


def quality(
    checkpoint: Checkpoint, adapter: Path, rows: Sequence[Row], unseen: Sequence[dict[str, Any]]
) -> tuple[float, float]:
    """Return the adapter's loss on the rows and the share of unseen wordings it answers.

    Both in float32 with PEFT's own layers, whoever trained it.
    """
    import torch
    from peft import PeftModel

    from finetune_backend.loss import padded_logits

    model = PeftModel.from_pretrained(load_weights(checkpoint, torch.float32, "cpu"), adapter)
    base = model.get_base_model()
    tokenizer = load_tokenizer(checkpoint)
    tokenizer.padding_side = "left"
    prompts = [render(tokenizer, messages(item["question"], "")) for item in unseen]
    inputs = tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt")
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(
            padded_logits(base, rows, "cpu"),
            torch.tensor([token for row in rows for token in row.answer]),
        )
        made = model.generate(**inputs, max_new_tokens=40, do_sample=False)
    texts = tokenizer.batch_decode(
        made[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
    )
    answered = [contains(t, item["answers"]) for t, item in zip(texts, unseen, strict=True)]
    return loss.item(), mean(answered)


if __name__ == "__main__":
    main()
