"""The trials of a sweep: what each was given and what it reached, epoch by epoch."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from finetune_backend.sweep.space import Params
from workbench.files import read_json, write_json

State = Literal["running", "done", "pruned", "failed", "stopped"]
_FILE = "trials.json"
_TIE = 1e-4
"""How much the whole range of losses counts beside recall: less than one wording of 10,000."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What a trial had reached at the end of an epoch."""

    loss: float
    """Mean of its steps on the training examples, in nats."""
    recall: float | None
    """Share of held-out wordings answered word for word; None where none are held out."""
    validation_loss: float | None

    @property
    def score(self) -> float:
        """What is searched for: higher is better.

        Recall decides, and among equals the loss on held-out wordings. Where none are held
        out, the training loss has to do.
        """
        loss = self.loss if self.validation_loss is None else self.validation_loss
        return (self.recall or 0.0) - _TIE * loss / (1 + loss)


@dataclass(frozen=True, slots=True)
class Trial:
    """One short fine-tune."""

    number: int
    """Counted from 1."""
    params: Params
    state: State = "running"
    epochs: tuple[Epoch, ...] = ()
    seconds: float = 0.0
    memory_gb: float = 0.0
    """The most that the sweep's process has held so far."""
    message: str = ""
    """Why it failed or was stopped."""

    @property
    def score(self) -> float | None:
        """The last epoch's; None before there is one."""
        return self.epochs[-1].score if self.epochs else None


def read_trials(folder: Path) -> list[Trial]:
    """Return a sweep's trials in their order; the last may be running."""
    file = folder / _FILE
    saved = read_json(file) if file.exists() else []
    return [
        Trial(**{**trial, "epochs": tuple(Epoch(**epoch) for epoch in trial["epochs"])})
        for trial in saved
    ]


def write_trials(folder: Path, trials: Sequence[Trial]) -> None:
    """Keep a sweep's trials, all or nothing."""
    write_json(folder / _FILE, [asdict(trial) for trial in trials])


def best(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial that reached the most of those that came to their end; the first such."""
    done = [trial for trial in trials if trial.state == "done" and trial.score is not None]
    return max(done, key=lambda trial: trial.score or 0.0, default=None)


def nothing_held_out(trials: Sequence[Trial]) -> bool:
    """Are there trials that could only be compared by their training loss?"""
    return any(epoch.recall is None for trial in trials for epoch in trial.epochs)
