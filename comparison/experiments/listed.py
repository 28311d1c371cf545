"""The experiments there are."""

from comparison.experiments import (
    context,
    differences,
    forgetting,
    hybrid,
    quality,
    scale,
    staleness,
    style,
    wordings,
)
from comparison.experiments.experiment import Experiment
from workbench.errors import RagtuneError


def experiments() -> tuple[Experiment, ...]:
    """Return all experiments, in the order in which they are offered."""
    modules = (
        *(differences, staleness, forgetting, wordings),
        *(context, quality, scale, style, hybrid),
    )
    return tuple(module.EXPERIMENT for module in modules)


def find_experiment(key: str) -> Experiment:
    """Return the experiment with this key.

    Raises:
        RagtuneError: there is none.
    """
    by_key = {experiment.key: experiment for experiment in experiments()}
    if key not in by_key:
        raise RagtuneError(f"There is no experiment {key!r}. Experiments: {', '.join(by_key)}.")
    return by_key[key]
