"""Sweeps: say what one will cost, start it, follow it, let it go on, and find those there are."""

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from finetune_backend import queue
from finetune_backend.estimate import Estimate, check_fits, estimate_run, free_memory_gb
from finetune_backend.examples.check import check_training_set
from finetune_backend.examples.write import to_jsonl
from finetune_backend.raft import Shown, check_shown, write_shown
from finetune_backend.settings import TrainSettings, fit_to_data
from finetune_backend.start_run import check_trainable, each_once
from finetune_backend.sweep.space import Range, Space, check_space, settings_of
from finetune_backend.sweep.trials import Trial, best, read_trials
from finetune_backend.training_set import PLAIN, Prompts, read_prompts
from workbench import jobs, kept
from workbench.errors import RagtuneError
from workbench.files import read_json, write_bytes, write_json, writing
from workbench.home import Home
from workbench.jobs import JobState
from workbench.language_models.loading import Checkpoint
from workbench.values import Example

TRIALS = 12
"""By default."""
_KIND = "sweep"
_MOST_TRIALS = 1000
_MOST_MINUTES = 100_000.0


@dataclass(frozen=True, slots=True)
class Budget:
    """When a sweep ends: after so many trials, or so much time, whichever comes first."""

    trials: int = TRIALS
    minutes: float | None = None
    """Of training; None for no limit."""

    def __post_init__(self) -> None:
        if not 1 <= self.trials <= _MOST_TRIALS:
            raise RagtuneError(
                f"{self.trials} trials were asked for; 1 to {_MOST_TRIALS:,} were expected."
            )
        if self.minutes is not None and not 0 < self.minutes <= _MOST_MINUTES:
            raise RagtuneError(
                f"{self.minutes:g} minutes were given; more than 0 and at most "
                f"{_MOST_MINUTES:,.0f} were expected."
            )


@dataclass(frozen=True, slots=True)
class Sweep:
    """One search: a folder under the home's ``sweeps``."""

    name: str
    folder: Path
    state: JobState
    settings: TrainSettings
    """What is not searched; epochs are filled in."""
    space: Space
    budget: Budget
    checkpoint: str
    checkpoint_sha256: str
    prompts: Prompts
    examples: int
    facts: int
    created: float
    """Seconds since the epoch."""
    estimate: Estimate
    """What all trials take at most."""
    trials: tuple[Trial, ...]
    importances: dict[str, float]
    """Each setting's share in how far apart the results are; empty while that can't be told."""

    @property
    def best(self) -> Trial | None:
        """The trial that reached the most; None before one came to its end."""
        return best(self.trials)

    @property
    def can_go_on(self) -> bool:
        """Did it end before its time, in a way that it can go on from?"""
        return self.state.stopped


def expected_cost(
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    settings: TrainSettings,
    space: Space,
    budget: Budget,
    prompts: Prompts = PLAIN,
    shown: Sequence[Shown | None] = (),
    beside: Path | None = None,
) -> Estimate:
    """Estimate what a sweep takes at most: every trial as costly as the costliest.

    Args: as for `start_sweep`, and for `finetune_backend.estimate.estimate_run`.

    Raises:
        RagtuneError: there is nothing to search, or not within what a fine-tune takes.
    """
    settings = fit_to_data(settings, examples)
    check_space(settings, space)
    slow = {name: within.high for name, within in space.items()}
    if "batch_size" in space:
        slow["batch_size"] = space["batch_size"].low  # the more steps
    costly = settings_of(settings, slow)
    one = estimate_run(checkpoint, examples, costly, prompts, shown, beside)
    seconds = one.seconds * budget.trials
    if budget.minutes is not None:
        seconds = min(seconds, budget.minutes * 60)
    return dataclasses.replace(one, seconds=seconds)


def start_sweep(
    home: Home,
    examples: Sequence[Example],
    settings: TrainSettings,
    space: Space,
    checkpoint: Checkpoint,
    budget: Budget,
    prompts: Prompts = PLAIN,
    name: str | None = None,
    shown: Sequence[Shown | None] = (),
    tell: Callable[[Estimate], object] = lambda _expected: None,
) -> Sweep:
    """Start a sweep in its own process, or queue it, and return at once.

    Args: as for `finetune_backend.start_run.start_run`.

    Raises:
        ExamplesError: the examples can't be trained on.
        RagtuneError: there is nothing to search, the model is on a server, the name is taken
            or unusable, or the memory won't do.
    """
    check_trainable(checkpoint)
    check_training_set(examples)
    examples, shown = each_once(examples, shown)
    check_shown(settings, shown)
    settings = fit_to_data(settings, examples)
    kept.new_folder(home.sweeps, _KIND, name, _KIND)  # says early that a name won't do
    beside = queue.holder(home)
    expected = expected_cost(checkpoint, examples, settings, space, budget, prompts, shown, beside)
    tell(expected)
    data = to_jsonl(examples).encode()
    folder = None
    try:
        with queue.changing(home):
            if queue.holder(home) is None:
                check_fits(expected, free_memory_gb())
            folder = kept.new_folder(home.sweeps, _KIND, name, _KIND)
            with writing(folder):
                folder.mkdir()
            write_bytes(folder / "examples.jsonl", data)
            if settings.raft:
                write_shown(folder, shown)
            write_json(
                folder / "sweep.json",
                {
                    "settings": dataclasses.asdict(settings),
                    "space": {key: dataclasses.asdict(within) for key, within in space.items()},
                    "budget": dataclasses.asdict(budget),
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
            queue.put(folder)
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return read_sweep(folder)


def list_sweeps(home: Home) -> list[Sweep]:
    """Return all sweeps, the newest first; where one was killed, the next in the queue starts."""
    queue.start_next(home)
    return kept.newest_first(home.sweeps, "sweep.json", read_sweep)


def find_sweep(home: Home, name: str) -> Sweep:
    """Return the sweep with this name.

    Raises:
        RagtuneError: there is none.
    """
    return kept.find(list_sweeps(home), name, _KIND)


def read_sweep(folder: Path) -> Sweep:
    """Read a sweep from its folder."""
    saved = read_json(folder / "sweep.json")
    important = folder / "importances.json"
    return Sweep(
        name=folder.name,
        folder=folder,
        state=jobs.read(folder),
        settings=TrainSettings(**saved["settings"]),
        space={name: Range(**within) for name, within in saved["space"].items()},
        budget=Budget(**saved["budget"]),
        checkpoint=saved["checkpoint"],
        checkpoint_sha256=saved["checkpoint_sha256"],
        prompts=read_prompts(saved),
        examples=saved["examples"],
        facts=saved["facts"],
        created=saved["created"],
        estimate=Estimate(**saved["estimate"]),
        trials=tuple(read_trials(folder)),
        importances=read_json(important) if important.exists() else {},
    )


def cancel_sweep(sweep: Sweep) -> None:
    """Ask a sweep to stop for good; the trials that came to their end are kept."""
    if not queue.leave(sweep.folder):
        jobs.cancel(sweep.folder)


def pause_sweep(sweep: Sweep) -> None:
    """Ask a sweep to save its state and stop; it can go on later, in the middle of a trial."""
    jobs.pause(sweep.folder)


def resume_sweep(home: Home, sweep: Sweep) -> Sweep:
    """Let a sweep go on as if it had never stopped; it may have to wait for its turn.

    Raises:
        RagtuneError: it came to its end, was cancelled, or hasn't stopped.
    """
    with queue.changing(home):
        sweep = read_sweep(sweep.folder)
        kept.check_can_go_on(sweep, _KIND)
        queue.put(sweep.folder)
    return read_sweep(sweep.folder)


def delete_sweep(sweep: Sweep) -> None:
    """Delete a sweep with its trials; what was promoted stays.

    Raises:
        RagtuneError: it is at work.
    """
    with queue.changing(queue.home_of(sweep.folder)):
        kept.delete(sweep, _KIND)
