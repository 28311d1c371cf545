"""Fine-tunes of benchmarks that are made once in a home and found again there."""

import time
from collections.abc import Sequence

from benchmarks.report import tell
from comparison.lab import Lab
from comparison.start_training import prompts
from finetune_backend.raft import Shown
from finetune_backend.runs import Run, list_runs, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from workbench.values import Example


def trained(
    lab: Lab,
    name: str,
    examples: Sequence[Example],
    settings: TrainSettings,
    shown: Sequence[Shown | None] = (),
) -> Run:
    """Return a fine-tune's run: the complete one of this name, or a new one.

    Args:
        lab: whose home keeps it.
        name: of the run. Where it is there already, examples and settings are taken for its own.
        examples: what it learns from.
        settings: how.
        shown: see `finetune_backend.start_run.start_run`.
    """
    for run in list_runs(lab.home):
        if run.name == name and run.complete:
            tell(f"{name} is there already")
            return run
    return finish(
        start_run(lab.home, examples, settings, lab.checkpoint(), prompts(lab), name, shown)
    )


def finish(run: Run) -> Run:
    """Wait until a fine-tune has made its adapter, and return it."""
    started = time.perf_counter()
    while run.state.active:
        time.sleep(0.2)
        run = read_run(run.folder)
    if run.measures is None:
        raise SystemExit(f"The fine-tune is {run.state.state}: {run.state.message}")
    tell(f"{run.name}: {time.perf_counter() - started:.0f} s, loss {run.measures['loss']:.3f}")
    return run
