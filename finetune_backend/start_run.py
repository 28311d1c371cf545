"""Start a fine-tune, or let one go on: at once, or when its turn comes."""

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from finetune_backend import queue
from finetune_backend.estimate import Estimate, check_fits, estimate_run, free_memory_gb
from finetune_backend.examples.check import check_training_set
from finetune_backend.examples.wording import fold
from finetune_backend.examples.write import to_jsonl
from finetune_backend.raft import Shown, check_shown, write_shown
from finetune_backend.runs import KIND, Run, new_folder, read_run
from finetune_backend.settings import TrainSettings, fit_to_data
from finetune_backend.training_set import PLAIN, Prompts
from workbench.errors import RagtuneError
from workbench.files import write_bytes, write_json, writing
from workbench.home import Home
from workbench.kept import check_can_go_on
from workbench.language_models.loading import Checkpoint
from workbench.values import Example


def start_run(
    home: Home,
    examples: Sequence[Example],
    settings: TrainSettings,
    checkpoint: Checkpoint,
    prompts: Prompts = PLAIN,
    name: str | None = None,
    shown: Sequence[Shown | None] = (),
    tell: Callable[[Estimate], object] = lambda _expected: None,
) -> Run:
    """Start a fine-tune in its own process, or queue it behind others, and return at once.

    Args:
        home: where it is kept.
        examples: what it learns from.
        settings: how.
        checkpoint: the base model.
        prompts: how questions will be asked.
        name: of the run and its adapter; by default "adapter-" and a number.
        shown: for each example the passage that it is asked with, where ``settings.raft`` is
            not 0.
        tell: told what it will take, before anything is started or kept; may raise to stop there.

    Raises:
        ExamplesError: the examples can't be trained on.
        RagtuneError: the model is on a server, the name is taken or unusable, the disk is
            nearly full, or the memory won't do.
    """
    check_trainable(checkpoint)
    check_training_set(examples)
    examples, shown = each_once(examples, shown)
    check_shown(settings, shown)
    settings = fit_to_data(settings, examples)
    new_folder(home, name)  # says early that a name won't do
    beside = queue.holder(home)
    expected = estimate_run(checkpoint, examples, settings, prompts, shown, beside)
    tell(expected)
    folder = None
    try:
        with queue.changing(home):
            if queue.holder(home) is None:  # what waits is looked at when its turn comes
                check_fits(expected, free_memory_gb())
            folder = new_folder(home, name)
            with writing(folder):
                folder.mkdir()
            if settings.raft:
                write_shown(folder, shown)
            describe_run(folder, examples, settings, checkpoint, prompts, expected)
            queue.put(folder, _processes())
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return read_run(folder)


def describe_run(
    folder: Path,
    examples: Sequence[Example],
    settings: TrainSettings,
    checkpoint: Checkpoint,
    prompts: Prompts,
    expected: Estimate | None = None,
) -> None:
    """Write into a run's folder what it is about.

    Args:
        folder: there already.
        examples: what it learns from, each once.
        settings: fitted to them.
        checkpoint: the base model.
        prompts: how questions will be asked.
        expected: what it will take; None where that was not estimated.
    """
    data = to_jsonl(examples).encode()
    write_bytes(folder / "examples.jsonl", data)
    write_json(
        folder / "run.json",
        {
            "settings": dataclasses.asdict(settings),
            "checkpoint": checkpoint.name,
            "checkpoint_sha256": checkpoint.sha256,
            **prompts.saved(),
            "examples": len(examples),
            "facts": len({example.fact for example in examples}),
            "examples_sha256": hashlib.sha256(data).hexdigest(),
            "versions": {p: version(p) for p in ("torch", "transformers", "peft")},
            **({"estimate": dataclasses.asdict(expected)} if expected else {}),
            "created": time.time(),
        },
    )


def resume_run(home: Home, run: Run) -> Run:
    """Let a run go on from what it saved last, as if it had never stopped; it may have to wait.

    Raises:
        RagtuneError: it is complete, was cancelled, or hasn't stopped.
    """
    processes = _processes()  # which may load torch: not while others wait
    with queue.changing(home):
        run = read_run(run.folder)
        check_can_go_on(run, KIND)
        queue.put(run.folder, processes)
    return read_run(run.folder)


def check_trainable(checkpoint: Checkpoint) -> None:
    """Make sure that the model's weights are on this machine, as a fine-tune needs them.

    Raises:
        RagtuneError: they are on a server.
    """
    if checkpoint.server:
        raise RagtuneError(
            f"A fine-tune needs a model on this machine, but {checkpoint.name} is on the server "
            f"{checkpoint.server}. Clear the server in Settings (or RAGTUNE_SERVER) and choose a "
            "model that is here."
        )


def each_once(
    examples: Sequence[Example], shown: Sequence[Shown | None]
) -> tuple[list[Example], list[Shown | None]]:
    """Leave out what is asked and answered twice: the run's file of examples has it once."""
    first: dict[tuple[str, str], int] = {}
    for place, example in enumerate(examples):
        first.setdefault((fold(example.question), fold(example.answer)), place)
    places = first.values()
    return [examples[n] for n in places], [shown[n] for n in places] if shown else []


def _processes() -> int:
    """Return how many processes train together: one for each GPU."""
    import torch

    return max(1, int(torch.cuda.device_count()))
