"""A run once more: the same examples, with the same settings or others."""

import re
from collections.abc import Callable, Sequence

from finetune_backend.estimate import Estimate
from finetune_backend.examples.read import read_examples
from finetune_backend.raft import read_shown
from finetune_backend.runs import Run, list_runs
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from workbench.errors import RagtuneError
from workbench.home import Home
from workbench.language_models.loading import find_checkpoint
from workbench.values import Example

_EXAMPLES = "examples.jsonl"
_LONGEST_NAME = 60


def run_again(
    home: Home,
    run: Run,
    settings: TrainSettings | None = None,
    name: str | None = None,
    tell: Callable[[Estimate], object] = lambda _expected: None,
) -> Run:
    """Start a run on another one's examples, or queue it.

    Args:
        home: where.
        run: whose examples with their passages, model and prompts are taken.
        settings: by default those of the run.
        name: by default the run's with a number behind it.
        tell: see `finetune_backend.start_run.start_run`.

    Raises:
        RagtuneError: see `finetune_backend.start_run.start_run`; or the model has changed since.
    """
    checkpoint = find_checkpoint(run.checkpoint)
    if checkpoint.sha256 != run.checkpoint_sha256:
        raise RagtuneError(
            f"The model {checkpoint.name} changed since {run.name!r} was started, so it can't be "
            "trained again as it was. Start a new fine-tune instead."
        )
    return start_run(
        home,
        examples_of(run),
        settings or run.settings,
        checkpoint,
        run.prompts,
        name or next_name(home, run.name),
        read_shown(run.folder),
        tell,
    )


def examples_of(run: Run) -> Sequence[Example]:
    """Return the examples that a run learns from, as they were when it was started.

    Raises:
        RagtuneError: they are not there, as where an adapter was made elsewhere.
    """
    file = run.folder / _EXAMPLES
    if not file.exists():
        raise RagtuneError(f"What {run.name!r} learned from is not kept here; it can't run again.")
    return read_examples(file.read_bytes(), _EXAMPLES).examples


def can_run_again(run: Run) -> bool:
    """Are a run's examples there?"""
    return (run.folder / _EXAMPLES).exists()


def next_name(home: Home, name: str) -> str:
    """Return a free name after one that is taken: "kites" gives "kites-2", then "kites-3"."""
    taken = {run.name for run in list_runs(home)}
    stem, number = re.sub(r"-\d{1,2}$", "", name), 2
    while (made := f"{stem[: _LONGEST_NAME - 1 - len(str(number))]}-{number}") in taken:
        number += 1
    return made
