"""Start a fine-tune in a lab: with its model, and with its questions asked as the lab asks them."""

from collections.abc import Callable, Sequence

from comparison.lab import Lab
from comparison.show_passages import show_passages, stand_ins
from finetune_backend.estimate import Estimate, estimate_run
from finetune_backend.runs import Run, start_run
from finetune_backend.settings import TrainSettings
from finetune_backend.training_set import Prompts
from workbench.values import Example


def start_training(
    lab: Lab,
    examples: Sequence[Example],
    settings: TrainSettings,
    name: str | None = None,
    progress: Callable[[str, float], object] = lambda _message, _share: None,
) -> Run:
    """Start a fine-tune and return; see `finetune_backend.runs.start_run`.

    Args:
        lab: where everything is.
        examples: what it learns from.
        settings: how.
        name: of the run; chosen where it is None.
        progress: called while the examples' passages are looked for.

    Raises:
        RagtuneError: it can't be started, with the reason.
    """
    shown = show_passages(lab, examples, settings, progress)
    return start_run(lab.home, examples, settings, lab.checkpoint(), prompts(lab), name, shown)


def estimate_training(lab: Lab, examples: Sequence[Example], settings: TrainSettings) -> Estimate:
    """Estimate what a fine-tune will take; see `finetune_backend.estimate`."""
    shown = tuple(stand_ins(lab, examples, settings))
    return estimate_run(lab.checkpoint(), tuple(examples), settings, prompts(lab), shown)


def prompts(lab: Lab) -> Prompts:
    """Return how questions are asked in the lab."""
    return Prompts(lab.settings.system_prompt, lab.settings.passage_prompt)
