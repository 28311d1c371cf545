"""Fine-tunes that an experiment makes for itself: in its own folder, by its own process."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from comparison.experiments.keeper import Keeper
from comparison.lab import Adapter, Lab
from comparison.start_training import estimate_training, prompts
from finetune_backend import queue
from finetune_backend.estimate import check_fits, free_memory_gb
from finetune_backend.lora import Step
from finetune_backend.runs import Run, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import describe_run
from finetune_backend.train_process import COMPLETE, make_adapter
from finetune_backend.training_set import TrainingSet
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import writing
from workbench.language_models.engine import Engine
from workbench.language_models.loading import load_tokenizer
from workbench.values import Example

_POLL_SECONDS = 1.0
_PROBING = 25
"""Steps that take about as long as to measure what was forgotten."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fine-tune that is to be made."""

    name: str
    examples: tuple[Example, ...]
    """One may come several times: then each pass shows it as often."""
    settings: TrainSettings
    """Fitted to the data."""
    shown: TrainingSet
    steps: int
    probed: bool
    """Is it measured what it forgot?"""

    @property
    def work(self) -> int:
        """What it takes, in steps."""
        return self.steps + (_PROBING if self.probed else 0)


def plan(
    lab: Lab, name: str, examples: Sequence[Example], settings: TrainSettings, *, probed: bool
) -> Planned:
    """Return a fine-tune to be made, which is asked as the lab asks.

    Args:
        lab: whose model and prompts it has.
        name: of its folder, and of its adapter.
        examples: see `Planned`.
        settings: fitted to them.
        probed: is it measured what it forgot?

    Raises:
        ExamplesError: an example is longer than ``settings.max_tokens``.
    """
    shown = TrainingSet(examples, load_tokenizer(lab.checkpoint()), settings, prompts(lab))
    steps = settings.epochs * math.ceil(len(shown.rows(0)) / settings.batch_size)
    return Planned(name, tuple(examples), settings, shown, steps, probed)


def check_memory(lab: Lab, planned: Planned) -> None:
    """Make sure that there is the memory for a fine-tune.

    Raises:
        RagtuneError: there is less than it needs.
    """
    expected = estimate_training(lab, planned.examples, planned.settings)
    check_fits(expected, free_memory_gb())


def make(lab: Lab, planned: Planned, keeper: Keeper) -> Run:
    """Return a fine-tune with its adapter: what was made before a stop is not made again.

    It waits until no other fine-tune has the machine or wants it, and others wait until it ends.

    Raises:
        RagtuneError: it can't be trained.
    """
    place, tell = keeper.folder / queue.TRAINED / planned.name, keeper.other_work(planned.work)
    share = 0.0

    def say(message: str) -> None:
        tell(f"{planned.name}: {message}", share)

    def stepped(step: Step) -> None:
        nonlocal share
        share = step.step / planned.work
        say(f"step {step.step} of {planned.steps}")

    if not (place / COMPLETE).exists():
        with writing(place):
            place.mkdir(parents=True, exist_ok=True)
        checkpoint, once = lab.checkpoint(), list(dict.fromkeys(planned.examples))
        describe_run(place, once, planned.settings, checkpoint, prompts(lab))
        while not queue.take(lab.home, place):
            say("waits until the other fine-tunes have ended")
            time.sleep(_POLL_SECONDS)
        try:
            with jobs.working(place):
                make_adapter(
                    place,
                    (checkpoint, planned.shown, planned.settings),
                    say,
                    stepped,
                    lambda: jobs.asked_to_pause(keeper.folder),
                    probed=planned.probed,
                )
        finally:
            queue.start_next(lab.home, queue.LOCK_SECONDS)
        # Its own job has taken note of how it ended; where that was a stop, this stops, too.
        keeper.check()
    run = read_run(place)
    if not run.complete:
        raise RagtuneError(f"{planned.name} could not be trained. {run.state.message}")
    tell(f"{planned.name} is trained", 1.0)
    return run


class WithTrained(Lab):
    """A lab whose adapters are those that an experiment made, and all else is the person's."""

    def __init__(self, real: Lab, runs: Sequence[Run]) -> None:
        super().__init__(real.home)
        self._real = real
        self._adapters = {run.name: Adapter(run.name, str(run.adapter), run) for run in runs}

    def engine(self) -> Engine:
        """Return the other lab's engine."""
        return self._real.engine()

    def adapter(self, name: str | None = None, model: str | None = None) -> Adapter:
        """Return an adapter of the experiment's.

        Raises:
            RagtuneError: there is none of this name.
        """
        if name not in self._adapters:
            raise RagtuneError(f"There is no adapter {name!r}: {', '.join(self._adapters)}.")
        return self._adapters[name]

    def adapters(self, model: str | None = None) -> list[Adapter]:
        """Return the adapters of the experiment."""
        return list(self._adapters.values())

    def close(self) -> None:
        """Close what was opened for it."""
        self.database.close()
