"""The sweep's process: ``python -m finetune_backend.sweep.process SWEEP_FOLDER``.

Each trial trains in a folder of its own that looks like a run's. Only the best one's is kept.
"""

import dataclasses
import shutil
import sys
import time
from pathlib import Path
from statistics import mean

from finetune_backend import queue, saved
from finetune_backend.estimate import check_fits, free_memory_gb
from finetune_backend.lora import Keep, Step, train
from finetune_backend.raft import SHOWN
from finetune_backend.settings import TrainSettings
from finetune_backend.steps import adding_steps, steps_before
from finetune_backend.sweep.search import Search
from finetune_backend.sweep.space import inside, settings_of
from finetune_backend.sweep.sweeps import Sweep, read_sweep
from finetune_backend.sweep.trials import Epoch, State, Trial, best, write_trials
from finetune_backend.train_process import SAVE_SECONDS, what_to_train
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, sync_folder, write_json
from workbench.hardware import peak_memory_gb

TRIALS = "trials"
_PARTIAL, ADAPTER = "adapter.partial", "adapter"
EXAMPLES = "examples.jsonl"
_OF_THE_SWEEP = ("space", "budget", "estimate")
_FAILURES = 3
"""In a row; then something else is wrong than a trial's settings."""


class _Hopeless(Exception):
    """A trial is below the median of the others."""


class _TimeIsUp(Exception):
    """The budget's time was used up within a trial."""


def work(folder: Path) -> None:
    """Make the trials that the sweep's folder describes, as far as they aren't made yet."""
    with jobs.working(folder) as job:
        sweep = read_sweep(folder)
        check_fits(sweep.estimate, free_memory_gb() + peak_memory_gb())
        _Trials(sweep, job).make()


class _Trials:
    """Those that ended, the one that runs, and the search that they belong to."""

    def __init__(self, sweep: Sweep, job: jobs.Job) -> None:
        self._sweep, self._job, self._folder = sweep, job, sweep.folder
        self._ended = [trial for trial in sweep.trials if trial.state != "running"]
        self._begun = next((trial for trial in sweep.trials if trial.state == "running"), None)
        self._search = Search(sweep.space, self._ended, sweep.settings.seed)

    def make(self) -> None:
        """Make one trial after the other until the budget is used up."""
        self._tidy()  # a kill may have come before that
        while len(self._ended) < self._sweep.budget.trials and not self._spent(0.0):
            number = len(self._ended) + 1
            # The first is what would be done without a sweep, or the nearest to it.
            first = inside(self._sweep.settings, self._sweep.space) if number == 1 else None
            trial = self._begun or Trial(number, first or {})
            params = self._search.begin(number, trial.params or None)
            self._begun = None
            self._end(self._try(dataclasses.replace(trial, params=params, epochs=())))
            self._job.check()

    def _try(self, trial: Trial) -> Trial:
        """Train a trial to its end, or until it is seen to lead nowhere, and return it."""
        self._keep(trial)
        place = self._place(trial)
        self._prepare(place, trial)
        steps = steps_before(place, saved.read_reached(place) or saved.Reached())
        with adding_steps(place) as add:

            def report(step: Step) -> None:
                steps.append(step)
                add(step)
                self._say(trial, step)
                if _ends_an_epoch(step, self._settings(trial).epochs):
                    self._judge(trial, steps)

            try:
                self._judge_again(trial, steps)
                checkpoint, shown, settings = what_to_train(place)
                keep = self._saving(place)
                train(
                    checkpoint, shown.rows, settings, report, place / _PARTIAL, keep, shown.held_out
                )
                how: tuple[State, str] = ("done", "")
            except _Hopeless:
                how = "pruned", "Below the median of the other trials"
            except _TimeIsUp:
                how = "stopped", "The time was used up"
            except jobs.Cancelled:
                how = "stopped", "The sweep was cancelled"
            except RagtuneError as error:
                how = "failed", str(error)
        return self._at(trial, steps, *how)

    def _end(self, trial: Trial) -> None:
        """Keep what a trial reached, and the adapter of the best one alone."""
        place = self._place(trial)
        if trial.state == "done":
            (place / _PARTIAL).rename(place / ADAPTER)
            sync_folder(place)
            saved.forget(place)
        self._ended.append(trial)
        self._keep()
        self._search.end(trial)
        self._tidy()
        failed = [one.state == "failed" for one in self._ended[-_FAILURES:]]
        if len(failed) == _FAILURES and all(failed):
            raise RagtuneError(f"{_FAILURES} trials failed in a row. {trial.message}")

    def _tidy(self) -> None:
        """Remove what is kept of other trials than the best one, and say what mattered so far."""
        wanted = {str(one.number) for one in (best(self._ended), self._begun) if one}
        for place in (self._folder / TRIALS).glob("*"):
            if place.name not in wanted:
                shutil.rmtree(place)
        write_json(self._folder / "importances.json", self._search.importances())

    def _judge(self, trial: Trial, steps: list[Step]) -> None:
        """Keep what the trial reached in an epoch, and end it where that leads nowhere."""
        reached, last = self._at(trial, steps, "running"), steps[-1]
        self._keep(reached)
        hopeless = self._search.is_hopeless(len(reached.epochs), reached.epochs[-1].score)
        if last.step < last.steps:
            if hopeless:
                raise _Hopeless
            if self._spent(last.seconds):
                raise _TimeIsUp

    def _judge_again(self, trial: Trial, steps: list[Step]) -> None:
        """Tell the search what a trial had reached before it was interrupted."""
        for number, epoch in enumerate(self._epochs(trial, steps), start=1):
            hopeless = self._search.is_hopeless(number, epoch.score)
            if hopeless and number < self._settings(trial).epochs:
                raise _Hopeless

    def _say(self, trial: Trial, step: Step) -> None:
        budget = self._sweep.budget
        share = (trial.number - 1 + step.step / step.steps) / budget.trials
        if budget.minutes is not None:
            share = max(share, self._seconds(step.seconds) / (budget.minutes * 60))
        self._job.say(
            f"Trial {trial.number} of {budget.trials}: step {step.step} of {step.steps}",
            min(1.0, share),
        )

    def _seconds(self, of_this: float) -> float:
        return of_this + sum(trial.seconds for trial in self._ended)

    def _spent(self, of_this: float) -> bool:
        minutes = self._sweep.budget.minutes
        return minutes is not None and self._seconds(of_this) >= minutes * 60

    def _keep(self, running: Trial | None = None) -> None:
        write_trials(self._folder, [*self._ended, *([running] if running else [])])

    def _place(self, trial: Trial) -> Path:
        return self._folder / TRIALS / str(trial.number)

    def _prepare(self, place: Path, trial: Trial) -> None:
        """Make the trial's folder that of a run, and remove an adapter that isn't complete."""
        place.mkdir(parents=True, exist_ok=True)
        for unfinished in (_PARTIAL, ADAPTER):
            shutil.rmtree(place / unfinished, ignore_errors=True)
        for given in (EXAMPLES, SHOWN):
            if (self._folder / given).exists():
                shutil.copy(self._folder / given, place)
        run = read_json(self._folder / "sweep.json")
        run |= {"settings": dataclasses.asdict(self._settings(trial))}
        write_json(place / "run.json", {k: run[k] for k in run if k not in _OF_THE_SWEEP})

    def _settings(self, trial: Trial) -> TrainSettings:
        return settings_of(self._sweep.settings, trial.params)

    def _epochs(self, trial: Trial, steps: list[Step]) -> list[Epoch]:
        """Return what was reached at the end of each whole epoch."""
        return [
            Epoch(
                loss=mean(other.loss for other in steps if other.epoch == step.epoch),
                recall=step.recall,
                validation_loss=step.validation_loss,
            )
            for step in steps
            if _ends_an_epoch(step, self._settings(trial).epochs)
        ]

    def _at(self, trial: Trial, steps: list[Step], state: State, message: str = "") -> Trial:
        """Return a trial as it is after these steps."""
        return dataclasses.replace(
            trial,
            state=state,
            message=message,
            epochs=tuple(self._epochs(trial, steps)),
            seconds=steps[-1].seconds if steps else 0.0,
            memory_gb=peak_memory_gb(),
        )

    def _saving(self, place: Path) -> Keep:
        """Save now and then, and before a pause."""
        last = time.monotonic()

        def now() -> bool:
            nonlocal last
            due = time.monotonic() - last > SAVE_SECONDS or jobs.asked_to_pause(self._folder)
            if due:
                last = time.monotonic()
            return due

        return Keep(place, now)


def _ends_an_epoch(step: Step, epochs: int) -> bool:
    return step.step * epochs % step.steps == 0


if __name__ == "__main__":
    sweep_folder = Path(sys.argv[1])
    try:
        work(sweep_folder)
    finally:
        queue.start_next(queue.home_of(sweep_folder), queue.LOCK_SECONDS)
