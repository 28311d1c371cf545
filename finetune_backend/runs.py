"""Runs: start a fine-tune, follow it, cancel it, and find the adapters that runs made."""

import dataclasses
import hashlib
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune_backend import queue
from finetune_backend.estimate import Estimate, check_fits, estimate_run, free_memory_gb
from finetune_backend.examples.check import check_training_set
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.wording import fold
from finetune_backend.examples.write import to_jsonl
from finetune_backend.forgetting.measure import Change
from finetune_backend.raft import Shown, check_shown, write_shown
from finetune_backend.settings import TrainSettings, fit_to_data
from finetune_backend.train_process import SAVE_NOW
from finetune_backend.training_set import PLAIN, Prompts, read_prompts
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, write_bytes, write_json, writing
from workbench.home import Home
from workbench.jobs import JobState
from workbench.language_models.loading import Checkpoint
from workbench.values import Example

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
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
        return self.state.state in ("paused", "interrupted", "failed") and not self.complete


def start_run(
    home: Home,
    examples: Sequence[Example],
    settings: TrainSettings,
    checkpoint: Checkpoint,
    prompts: Prompts = PLAIN,
    name: str | None = None,
    shown: Sequence[Shown | None] = (),
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
    beside = queue.holder(home)
    expected = estimate_run(checkpoint, examples, settings, prompts, shown, beside)
    data = to_jsonl(examples).encode()
    folder = None
    try:
        with queue.changing(home):
            if queue.holder(home) is None:  # what waits is looked at when its turn comes
                check_fits(expected, free_memory_gb())
            folder = new_folder(home, name)
            with writing(folder):
                folder.mkdir()
            write_bytes(folder / "examples.jsonl", data)
            if settings.raft:
                write_shown(folder, shown)
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
                    "estimate": dataclasses.asdict(expected),
                    "created": time.time(),
                },
            )
            queue.put(folder, _processes())
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return read_run(folder)


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


def list_runs(home: Home) -> list[Run]:
    """Return all runs, the newest first; where one was killed, the next in the queue starts."""
    queue.start_next(home)
    found = jobs.folders(home.runs, "run.json")
    return sorted(map(read_run, found), key=lambda run: -run.created)


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
    runs = {run.name: run for run in list_runs(home)}
    if name not in runs:
        existing = ", ".join(runs) or "none yet"
        raise RagtuneError(f"There is no adapter {name!r}. Adapters: {existing}.")
    return runs[name]


def read_run(folder: Path) -> Run:
    """Read a run from its folder."""
    saved = read_json(folder / "run.json")
    # Written last by the training process: without it there is no adapter.
    complete = folder / "complete.json"
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


def resume_run(home: Home, run: Run) -> Run:
    """Let a run go on from what it saved last, as if it had never stopped; it may have to wait.

    Raises:
        RagtuneError: it is complete, was cancelled, or hasn't stopped.
    """
    processes = _processes()  # which may load torch: not while others wait
    with queue.changing(home):
        run = read_run(run.folder)
        if not run.can_go_on:
            raise RagtuneError(
                f"The fine-tune {run.name!r} is {run.state.state}; only one that was paused, "
                "interrupted or failed can go on."
            )
        queue.put(run.folder, processes)
    return read_run(run.folder)


def delete_run(run: Run) -> None:
    """Delete a run, its adapter and its exports; one that waits leaves the queue.

    Raises:
        RagtuneError: it is still running, or an export of it is being made.
    """
    with queue.changing(queue.home_of(run.folder)):
        if jobs.at_work(run.folder):
            raise RagtuneError(f"The fine-tune {run.name!r} is still running. Cancel it first.")
        if any(map(jobs.at_work, (run.folder / "exports").glob("*"))):
            raise RagtuneError(f"A file of {run.name!r} is being made. Wait for it, or stop it.")
        if run.folder.exists():  # another tab may have been first
            shutil.rmtree(run.folder)


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
    if name is None:
        number = 1
        while (home.runs / f"adapter-{number}").exists():
            number += 1
        name = f"adapter-{number}"
    check_name(name, "fine-tune")
    if (home.runs / name).exists():
        raise RagtuneError(f"There is a fine-tune {name!r} already. Choose another name.")
    return home.runs / name


def check_name(name: str, kind: str) -> None:
    """Make sure that something new may have this name, which is a folder's too.

    Raises:
        RagtuneError: it may not.
    """
    if not _NAME.fullmatch(name):
        article = "an" if kind[0] in "aeiou" else "a"
        raise RagtuneError(
            f"{name!r} can't be the name of {article} {kind}; use letters, digits, '.', '_' and "
            "'-', at most 60, beginning with a letter or digit."
        )
