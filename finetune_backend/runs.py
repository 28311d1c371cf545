"""Runs: the fine-tunes that were started, and the adapters that they made."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune_backend import queue
from finetune_backend.estimate import Estimate
from finetune_backend.examples.read import read_examples
from finetune_backend.forgetting.measure import Change
from finetune_backend.settings import TrainSettings
from finetune_backend.train_process import COMPLETE, SAVE_NOW
from finetune_backend.training_set import PLAIN, Prompts, read_prompts
from workbench import jobs, kept
from workbench.errors import RagtuneError
from workbench.files import read_json
from workbench.home import Home
from workbench.jobs import JobState
from workbench.language_models.loading import Checkpoint
from workbench.values import Example

KIND = "fine-tune"
_FREE_BYTES_NEEDED = 200_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One fine-tune: a folder under the home's ``runs``."""

    name: str
    folder: Path
    state: JobState
    settings: TrainSettings
    checkpoint: str
    checkpoint_sha256: str
    examples: int
    facts: int
    created: float
    """Seconds since the epoch."""
    measures: dict[str, float] | None
    """What the finished run measured; None while there is no adapter."""
    adapter_sha256: str | None
    estimate: Estimate | None
    """What was expected before it started; None for runs of older versions."""
    forgetting: tuple[Change, ...] = ()
    """What the adapter changed of what the model could do before; empty while there is none."""
    examples_sha256: str = ""
    """Of the examples as they were when it was started."""
    prompts: Prompts = PLAIN
    """How questions were asked in it."""
    imported: bool = False
    """Was its adapter made elsewhere? Then its examples, and most of its settings, are unknown."""

    @property
    def adapter(self) -> Path:
        """The PEFT folder, once the run is complete."""
        return self.folder / "adapter"

    @property
    def complete(self) -> bool:
        """Is there an adapter to answer with?"""
        return self.measures is not None

    @property
    def can_go_on(self) -> bool:
        """Did it end before its time, in a way that it can go on from?"""
        return self.state.stopped and not self.complete


def list_runs(home: Home) -> list[Run]:
    """Return all runs, the newest first; where one was killed, the next in the queue starts."""
    queue.start_next(home)
    return kept.newest_first(home.runs, "run.json", read_run)


def usable_adapters(home: Home, checkpoint: Checkpoint) -> list[Run]:
    """Return the complete runs that were trained on the checkpoint, the newest first."""
    return [
        run
        for run in list_runs(home)
        if run.complete and run.checkpoint_sha256 == checkpoint.sha256
    ]


def find_adapter(home: Home, name: str | None, checkpoint: Checkpoint) -> Run:
    """Return the run with this name, or the newest one whose adapter fits the checkpoint.

    Raises:
        RagtuneError: there is none, it isn't complete, or it is for another checkpoint.
    """
    if name is None:
        usable = usable_adapters(home, checkpoint)
        if usable:
            return usable[0]
        raise RagtuneError(
            f"No adapter has been trained for {checkpoint.name} yet. Start a fine-tune: "
            "page Fine-tune, or `ragtune train`."
        )
    run = find_run(home, name)
    if not run.complete:
        raise RagtuneError(f"The fine-tune {name!r} has no adapter: it is {run.state.state}.")
    if run.checkpoint_sha256 != checkpoint.sha256:
        raise RagtuneError(
            f"The adapter {name!r} was trained for {run.checkpoint}, but the model in use "
            f"is {checkpoint.name}. Choose that model in Settings, or another adapter."
        )
    return run


def find_run(home: Home, name: str) -> Run:
    """Return the run with this name.

    Raises:
        RagtuneError: there is none.
    """
    return kept.find(list_runs(home), name, "adapter")


def read_run(folder: Path) -> Run:
    """Read a run from its folder."""
    saved = read_json(folder / "run.json")
    complete = folder / COMPLETE
    result: dict[str, Any] = read_json(complete) if complete.exists() else {}
    return Run(
        name=folder.name,
        folder=folder,
        state=jobs.read(folder),
        settings=TrainSettings(**saved["settings"]),
        checkpoint=saved["checkpoint"],
        checkpoint_sha256=saved["checkpoint_sha256"],
        examples=saved["examples"],
        facts=saved["facts"],
        created=saved["created"],
        measures=result.get("measures"),
        adapter_sha256=result.get("adapter_sha256"),
        estimate=Estimate(**saved["estimate"]) if "estimate" in saved else None,
        forgetting=tuple(Change(**change) for change in result.get("forgetting", ())),
        examples_sha256=saved.get("examples_sha256", ""),
        prompts=read_prompts(saved),
        imported="imported" in saved,
    )


def trained_examples(run: Run) -> tuple[Example, ...]:
    """Return what the run learns from; none where its adapter was made elsewhere."""
    if run.imported:
        return ()
    data = (run.folder / "examples.jsonl").read_bytes()
    return read_examples(data, "examples.jsonl").examples


def trained_facts(run: Run) -> set[str]:
    """Return the facts that the run's examples teach."""
    return {example.fact for example in trained_examples(run)}


def cancel_run(run: Run) -> None:
    """Ask a run to stop at its next step, for good; one that waits leaves the queue."""
    if not queue.leave(run.folder):
        jobs.cancel(run.folder)


def pause_run(run: Run) -> None:
    """Ask a run to save its state and stop at its next step."""
    jobs.pause(run.folder)


def save_run(run: Run) -> None:
    """Ask a run to save its state at its next step, and to go on."""
    (run.folder / SAVE_NOW).touch()


def delete_run(run: Run) -> None:
    """Delete a run, its adapter and its exports; one that waits leaves the queue.

    Raises:
        RagtuneError: it is at work, or an export of it is being made.
    """
    with queue.changing(queue.home_of(run.folder)):
        if any(map(jobs.at_work, (run.folder / "exports").glob("*"))):
            raise RagtuneError(f"A file of {run.name!r} is being made. Wait for it, or stop it.")
        kept.delete(run, KIND)


def new_folder(home: Home, name: str | None) -> Path:
    """Return the folder for a new run, which is not made yet.

    Raises:
        RagtuneError: the name is taken or unusable, or the disk is nearly full.
    """
    free = shutil.disk_usage(home.runs).free
    if free < _FREE_BYTES_NEEDED:
        raise RagtuneError(
            f"The disk that holds {home.runs} is nearly full ({free / 1e6:,.0f} MB left; a "
            f"fine-tune needs {_FREE_BYTES_NEEDED / 1e6:,.0f} MB). Free some space and try again."
        )
    return kept.new_folder(home.runs, KIND, name, "adapter")
