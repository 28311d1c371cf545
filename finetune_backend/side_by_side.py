"""Runs side by side: their figures, where their settings differ, and their curves."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import mean
from typing import Any

from finetune_backend.runs import Run
from finetune_backend.steps import read_steps

_DIGEST_CHARACTERS = 12
MEANINGS = {
    "loss": "Mean cross-entropy per answer token in the last epoch, in nats. Lower is better.",
    "recall": "Share of held-out wordings answered word for word, from 0 to 1. Higher is better.",
    "forgetting_points": "Mean change of grammar, knowledge and declining, in points; less than 0 "
    "was forgotten. Higher is better.",
    "seconds": "From the first step to the last, pauses left out. Lower is better.",
    "peak_memory_gb": "The most memory that training held, on a GPU the GPU's. Lower is better.",
    "adapter_mb": "Size of the adapter's files. Lower is better.",
}
"""What each figure of `row` means."""
CURVES = {
    "loss": "Cross-entropy per answer token of the examples at each step, in nats. Lower is "
    "better.",
    "general_loss": "Cross-entropy per token of the general text (`replay`) at each step, in nats. "
    "It rises where the model forgets.",
    "validation_loss": "Cross-entropy per answer token of wordings held out, after each epoch, "
    "in nats. Lower is better.",
    "recall": "Share of held-out wordings answered word for word, after each epoch. "
    "Higher is better.",
    "learning_rate": "The step size; it rises at first and falls later.",
}
"""What can be drawn over the steps, and what each means."""


def row(run: Run) -> dict[str, Any]:
    """Return what a table of runs says of one; None where it is not known."""
    measures = run.measures or {}
    files = run.adapter.glob("*") if run.complete else ()
    made_from = {
        "examples": run.examples,
        "facts": run.facts,
        "epochs": run.settings.epochs,
        "learning_rate": run.settings.learning_rate,
        "batch_size": run.settings.batch_size,
    }
    return {
        "name": run.name,
        "state": run.state.state,
        "created": datetime.fromtimestamp(run.created, UTC).isoformat(timespec="seconds"),
        **(dict.fromkeys(made_from) if run.imported else made_from),
        "rank": run.settings.rank,
        "loss": measures.get("loss"),
        "recall": measures["recall"] if "recall" in measures else last_recall(run),
        "forgetting_points": forgetting_points(run),
        "seconds": measures.get("seconds"),
        "peak_memory_gb": measures.get("peak_memory_gb"),
        "adapter_mb": sum(file.stat().st_size for file in files) / 1e6 if run.complete else None,
    }


def last_recall(run: Run) -> float | None:
    """Return the recall that was measured last; None where no wordings were held out."""
    measured = [step.recall for step in read_steps(run.folder) if step.recall is not None]
    return measured[-1] if measured else None


def forgetting_points(run: Run) -> float | None:
    """Return the mean change of the abilities that are measured in points."""
    changes = [change.change for change in run.forgetting if change.kind != "surprise"]
    return mean(changes) if changes else None


def differences(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return what the runs were not given alike: a row for each, a column for each run."""
    given = {run.name: _given(run) for run in runs}
    names = dict.fromkeys(name for values in given.values() for name in values)
    rows = [{"what": name} | {run: given[run].get(name) for run in given} for name in names]
    return [row for row in rows if len({row[run] for run in given}) > 1]


def curves(runs: Sequence[Run], what: str) -> list[dict[str, Any]]:
    """Return the points of one of `CURVES`, for all runs: the run, the step, and the value."""
    if what not in CURVES:
        raise ValueError(f"{what!r} was given; one of {', '.join(CURVES)} was expected.")
    return [
        {"run": run.name, "step": step.step, "value": value}
        for run in runs
        for step in read_steps(run.folder)
        if (value := getattr(step, what)) is not None
    ]


def _given(run: Run) -> dict[str, Any]:
    return {
        "model": run.checkpoint,
        "examples": run.examples,
        "facts": run.facts,
        "examples_sha256": run.examples_sha256[:_DIGEST_CHARACTERS],
        **run.prompts.saved(),
        **dataclasses.asdict(run.settings),
    }
