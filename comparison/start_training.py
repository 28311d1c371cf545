"""Start a fine-tune or a sweep in a lab: with its model, and asking as the lab asks."""

import time
from collections.abc import Callable, Sequence

from comparison.lab import Lab
from comparison.show_passages import show_passages, stand_ins
from finetune_backend import queue
from finetune_backend.estimate import Estimate, estimate_run
from finetune_backend.runs import Run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from finetune_backend.sweep.space import Space
from finetune_backend.sweep.sweeps import Budget, Sweep, expected_cost, start_sweep
from finetune_backend.training_set import Prompts
from workbench.values import Example


def start_training(
    lab: Lab,
    examples: Sequence[Example],
    settings: TrainSettings,
    name: str | None = None,
    progress: Callable[[str, float], object] = lambda _message, _share: None,
    tell: Callable[[Estimate], object] = lambda _expected: None,
) -> Run:
    """Start a fine-tune and return; see `finetune_backend.start_run.start_run`.

    Args:
        lab: where everything is.
        examples: what it learns from.
        settings: how.
        name: of the run; chosen where it is None.
        progress: called while the examples' passages are looked for.
        tell: see `finetune_backend.start_run.start_run`.

    Raises:
        RagtuneError: it can't be started, with the reason.
    """
    shown = show_passages(lab, examples, settings, progress)
    return start_run(
        lab.home, examples, settings, lab.checkpoint(), prompts(lab), name, shown, tell
    )


def estimate_training(lab: Lab, examples: Sequence[Example], settings: TrainSettings) -> Estimate:
    """Estimate what a fine-tune will take; see `finetune_backend.estimate`."""
    _wait_for_loading(lab)
    shown, beside = stand_ins(lab, examples, settings), queue.holder(lab.home)
    return estimate_run(lab.checkpoint(), examples, settings, prompts(lab), shown, beside)


def start_search(
    lab: Lab,
    examples: Sequence[Example],
    settings: TrainSettings,
    space: Space,
    budget: Budget,
    name: str | None = None,
    progress: Callable[[str, float], object] = lambda _message, _share: None,
    tell: Callable[[Estimate], object] = lambda _expected: None,
) -> Sweep:
    """Start a sweep and return; see `finetune_backend.sweep.sweeps.start_sweep`."""
    shown = show_passages(lab, examples, settings, progress)
    asked, checkpoint = prompts(lab), lab.checkpoint()
    return start_sweep(
        lab.home, examples, settings, space, checkpoint, budget, asked, name, shown, tell
    )


def search_cost(
    lab: Lab, examples: Sequence[Example], settings: TrainSettings, space: Space, budget: Budget
) -> Estimate:
    """Estimate what a sweep will take at most; see `finetune_backend.sweep.sweeps`."""
    _wait_for_loading(lab)
    shown, beside = stand_ins(lab, examples, settings), queue.holder(lab.home)
    return expected_cost(
        lab.checkpoint(), examples, settings, space, budget, prompts(lab), shown, beside
    )


def prompts(lab: Lab) -> Prompts:
    """Return how questions are asked in the lab."""
    return Prompts(lab.settings.system_prompt, lab.settings.passage_prompt)


def _wait_for_loading(lab: Lab) -> None:
    """Wait until the models are there: an estimate made meanwhile would be far too high."""
    while lab.loading:
        time.sleep(0.1)
