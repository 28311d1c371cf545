"""The training process: ``python -m finetune_backend.train_process RUN_FOLDER``.

On several GPUs there is one for each; see `finetune_backend.parallel`.
"""

import contextlib
import dataclasses
import functools
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from finetune_backend import queue, saved
from finetune_backend.estimate import Estimate, check_fits, free_memory_gb
from finetune_backend.examples.read import read_examples
from finetune_backend.forgetting.measure import Change, compare, probe, probe_base
from finetune_backend.lora import Keep, Step, train
from finetune_backend.parallel import is_first, joined
from finetune_backend.raft import read_shown
from finetune_backend.settings import TrainSettings
from finetune_backend.steps import adding_steps, steps_before
from finetune_backend.training_set import TrainingSet, read_prompts
from workbench import jobs
from workbench.energy import Meter
from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, sync_folder, write_json
from workbench.hardware import peak_memory_gb
from workbench.language_models.loading import Checkpoint, find_checkpoint, load_tokenizer

_PARTIAL, _ADAPTER = "adapter.partial", "adapter"
COMPLETE = "complete.json"
"""Written last: without it there is no adapter."""
SAVE_NOW = "save"
SAVE_SECONDS = 30.0
"""What a kill may cost at most; saving takes about a hundredth of it."""
SAY_SECONDS = 0.5
"""How often the page is told about steps; it looks once a second."""


def work(folder: Path) -> None:
    """Train what the run's folder describes, and leave a complete adapter or none."""
    with joined():
        if is_first():
            with jobs.working(folder) as job:
                try:
                    _train(folder, job)
                except jobs.Cancelled:
                    _clear(folder)
                    saved.forget(folder)
                    raise
        else:
            # The first process tells what happened.
            with contextlib.suppress(jobs.Cancelled, RagtuneError):
                keep = Keep(folder, lambda: False)
                checkpoint, shown, settings = what_to_train(folder)
                train(
                    checkpoint,
                    shown.rows,
                    settings,
                    lambda _step: None,
                    folder / _PARTIAL,
                    keep,
                    shown.held_out,
                )


def _train(folder: Path, job: jobs.Job) -> None:
    """Train what fits, and report every step."""
    job.say("Loading the language model")
    _check_memory(folder)
    said = time.monotonic()

    def stepped(step: Step) -> None:
        nonlocal said
        job.check()
        # What is said is saved, which waits for the disk: not at every step.
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            job.say(f"Step {step.step} of {step.steps}")

    make_adapter(
        folder, what_to_train(folder), job.say, stepped, lambda: jobs.asked_to_pause(folder)
    )


def make_adapter(
    folder: Path,
    what: tuple[Checkpoint, TrainingSet, TrainSettings],
    say: Callable[[str], object],
    stepped: Callable[[Step], object],
    pausing: Callable[[], bool],
    *,
    probed: bool = True,
) -> None:
    """Train in this process, from where the folder's saved state is, and complete the run.

    Args:
        folder: the run's; the adapter and what was measured are left there, the latter last of all.
        what: the base model, what it is shown, and the settings.
        say: told what is being done; may raise to stop.
        stepped: called with every step; may raise to stop, too.
        pausing: is it about to stop, and to go on later? Then its state is saved.
        probed: is it measured what the adapter forgot?
    """
    checkpoint, shown, settings = what
    partial, adapter = folder / _PARTIAL, folder / _ADAPTER
    _clear(folder)  # what a process left that was killed
    steps = steps_before(folder, saved.read_reached(folder) or saved.Reached())
    last_saved = time.monotonic()

    def time_to_save() -> bool:
        nonlocal last_saved
        due = time.monotonic() - last_saved > SAVE_SECONDS
        if due or pausing() or (folder / SAVE_NOW).exists():
            last_saved = time.monotonic()
            (folder / SAVE_NOW).unlink(missing_ok=True)
            return True
        return False

    # What one took that went on from before is not known: the counters don't remember.
    meter = None if steps else Meter()
    with adding_steps(folder) as add:

        def report(step: Step) -> None:
            steps.append(step)
            add(step)
            if meter:
                meter.look()
            stepped(step)

        say("Training")
        keep = Keep(folder, time_to_save)
        train(checkpoint, shown.rows, settings, report, partial, keep, shown.held_out)
    memory = peak_memory_gb()
    used = meter.watt_hours() if meter else None
    partial.rename(adapter)
    sync_folder(folder)
    forgotten = _forgotten(folder, checkpoint, say) if probed else ()
    last_epoch = [step.loss for step in steps if step.epoch == steps[-1].epoch]
    recalls = [step.recall for step in steps if step.recall is not None]
    write_json(
        folder / COMPLETE,
        {
            "adapter_sha256": sha256(adapter / "adapter_model.safetensors"),
            "measures": {
                "loss": sum(last_epoch) / len(last_epoch),
                **({"recall": recalls[-1]} if recalls else {}),
                "steps": len(steps),
                "seconds": steps[-1].seconds,
                "examples_per_second": steps[-1].examples_per_second,
                "peak_memory_gb": memory,
                **({"watt_hours": used} if used is not None else {}),
            },
            "forgetting": [dataclasses.asdict(change) for change in forgotten],
        },
    )
    saved.forget(folder)


def _clear(folder: Path) -> None:
    """Remove an adapter that isn't complete."""
    for unfinished in (_PARTIAL, _ADAPTER):
        shutil.rmtree(folder / unfinished, ignore_errors=True)


def _forgotten(
    folder: Path, checkpoint: Checkpoint, say: Callable[[str], object]
) -> tuple[Change, ...]:
    """Return what the adapter changed of what the model could do before."""

    def told(which: str, share: float) -> None:
        say(f"Measuring what it forgot: the model {which}, {share:.0%}")

    before = probe_base(checkpoint, functools.partial(told, "before"))
    return compare(before, probe(checkpoint, folder / _ADAPTER, functools.partial(told, "after")))


def _check_memory(folder: Path) -> None:
    """Make sure that the run fits, as others may have come while it waited for its turn."""
    expected = read_json(folder / "run.json").get("estimate")
    if expected:
        check_fits(Estimate(**expected), free_memory_gb() + peak_memory_gb())


def what_to_train(folder: Path) -> tuple[Checkpoint, TrainingSet, TrainSettings]:
    """Read what to train: the base model, what it is shown, and the settings."""
    run = read_json(folder / "run.json")
    settings = TrainSettings(**run["settings"])
    examples = read_examples((folder / "examples.jsonl").read_bytes(), "examples.jsonl").examples
    checkpoint = find_checkpoint(run["checkpoint"])
    if checkpoint.sha256 != run["checkpoint_sha256"]:
        raise RagtuneError(f"The model {checkpoint.name} changed since the run was started.")
    tokenizer, prompts = load_tokenizer(checkpoint), read_prompts(run)
    shown = TrainingSet(examples, tokenizer, settings, prompts, read_shown(folder))
    return checkpoint, shown, settings


if __name__ == "__main__":
    try:
        work(Path(sys.argv[1]))
    finally:
        if is_first():
            queue.start_next(queue.home_of(Path(sys.argv[1])), queue.LOCK_SECONDS)
