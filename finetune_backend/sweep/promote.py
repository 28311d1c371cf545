"""A trial becomes a normal run, whose adapter answers."""

import dataclasses
import shutil
import time
from pathlib import Path

from finetune_backend import queue
from finetune_backend.examples.read import read_examples
from finetune_backend.raft import read_shown
from finetune_backend.runs import Run, new_folder, read_run
from finetune_backend.start_run import start_run
from finetune_backend.steps import read_steps
from finetune_backend.sweep.space import settings_of
from finetune_backend.sweep.sweeps import Sweep
from finetune_backend.sweep.trials import Trial
from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, sync_folder, write_json, writing
from workbench.home import Home
from workbench.language_models.loading import find_checkpoint

_LONGEST_STEM = 55


def promote(home: Home, sweep: Sweep, number: int | None = None, name: str | None = None) -> Run:
    """Make a run of a trial: at once where its adapter was kept, else by training it again.

    Args:
        home: where.
        sweep: which may still be running.
        number: of the trial; by default the best one, whose adapter is kept.
        name: of the run; by default the sweep's with the trial's number.

    Raises:
        RagtuneError: there is no such trial, or none came to its end; or the name is taken.
    """
    trial = _chosen(sweep, number)
    name = name or run_name(sweep, trial)
    place = sweep.folder / "trials" / str(trial.number)
    if trial == sweep.best and (place / "adapter").exists():
        return _kept(home, sweep, trial, place, name)
    checkpoint = find_checkpoint(sweep.checkpoint)
    if checkpoint.sha256 != sweep.checkpoint_sha256:
        raise RagtuneError(f"The model {checkpoint.name} changed since the sweep was started.")
    data = (sweep.folder / "examples.jsonl").read_bytes()
    return start_run(
        home,
        read_examples(data, "examples.jsonl").examples,
        settings_of(sweep.settings, trial.params),
        checkpoint,
        sweep.prompts,
        name,
        read_shown(sweep.folder),
    )


def run_name(sweep: Sweep, trial: Trial) -> str:
    """Return the name that a trial's run gets where none is chosen."""
    return f"{sweep.name[:_LONGEST_STEM]}-{trial.number}"


def _chosen(sweep: Sweep, number: int | None) -> Trial:
    if number is None:
        if sweep.best is None:
            raise RagtuneError(
                f"No trial of the sweep {sweep.name!r} came to its end yet, so there is nothing to "
                "promote."
            )
        return sweep.best
    for trial in sweep.trials:
        if trial.number == number and trial.state != "running":
            return trial
    numbers = ", ".join(str(trial.number) for trial in sweep.trials if trial.state != "running")
    raise RagtuneError(
        f"The sweep {sweep.name!r} has no trial {number} that ended. Trials: {numbers or 'none'}."
    )


def _kept(home: Home, sweep: Sweep, trial: Trial, place: Path, name: str) -> Run:
    """Copy what is kept of a trial to the runs, all or nothing."""
    with queue.changing(home):
        folder = new_folder(home, name)
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            with writing(folder):
                shutil.copytree(place, partial)
        except (FileNotFoundError, shutil.Error) as error:  # a running sweep tidied up meanwhile
            shutil.rmtree(partial, ignore_errors=True)
            raise RagtuneError("A better trial was found at this moment. Promote again.") from error
        run = read_json(partial / "run.json")
        source = {"sweep": sweep.name, "trial": trial.number}
        write_json(partial / "run.json", {**run, **source, "created": time.time()})
        write_json(partial / "complete.json", _result(partial, trial))
        write_json(partial / "state.json", {"state": "done", "message": "Done"})
        partial.rename(folder)
        sync_folder(home.runs)
    return read_run(folder)


def _result(folder: Path, trial: Trial) -> dict[str, object]:
    """Return what a run's process would have written; what it forgot was not measured."""
    last, reached = read_steps(folder)[-1], dataclasses.asdict(trial.epochs[-1])
    return {
        "adapter_sha256": sha256(folder / "adapter" / "adapter_model.safetensors"),
        "measures": {
            "steps": last.step,
            "seconds": last.seconds,
            "examples_per_second": last.examples_per_second,
            "peak_memory_gb": trial.memory_gb,
            **{name: value for name, value in reached.items() if value is not None},
        },
    }
