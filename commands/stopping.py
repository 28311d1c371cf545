"""Fine-tunes and sweeps at work: pause, cancel, or save one from another terminal."""

import argparse
from typing import TYPE_CHECKING

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from finetune_backend.runs import Run
    from finetune_backend.sweep.sweeps import Sweep


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    for name, run, what in (
        ("pause", _pause, "save a running fine-tune or sweep and stop it, to go on later"),
        ("cancel", _cancel, "stop a fine-tune or sweep for good, or take it out of the queue"),
        ("save", _save, "let a running fine-tune save its state now, and go on"),
    ):
        parsers.command(name, run, what).add_argument("name", metavar="NAME")


def _pause(options: argparse.Namespace) -> None:
    from workbench import jobs

    one = _at_work(options)
    if one.state.queued:
        raise RagtuneError(
            f"{one.name!r} waits for its turn, so there is nothing to pause. "
            f"`ragtune cancel {one.name}` takes it out of the queue."
        )
    jobs.pause(one.folder)
    command = "train" if one.folder.parent.name == "runs" else "sweep"
    again = f"; go on with `ragtune {command} --resume {one.name}`"
    _tell(options, "paused", f"pausing   {one.name}{again}")


def _cancel(options: argparse.Namespace) -> None:
    from finetune_backend import queue
    from workbench import jobs

    one = _at_work(options)
    if not queue.leave(one.folder):
        jobs.cancel(one.folder)
    _tell(options, "cancelled", f"cancelled {one.name}")


def _save(options: argparse.Namespace) -> None:
    from finetune_backend.runs import Run, save_run

    one = _at_work(options)
    if not isinstance(one, Run) or one.state.queued:
        raise RagtuneError(f"{one.name!r} is not a fine-tune at work, so it has nothing to save.")
    save_run(one)
    _tell(options, "saved", f"saving    {one.name}")


def _at_work(options: argparse.Namespace) -> "Run | Sweep":
    """Return what has this name and is at work or waits; a fine-tune comes before a sweep."""
    from finetune_backend.runs import list_runs
    from finetune_backend.sweep.sweeps import list_sweeps

    home = lab_of(options).home
    every: list[Run | Sweep] = [*list_runs(home), *list_sweeps(home)]
    named = [one for one in every if one.name == options.name]
    if not named:
        existing = ", ".join(one.name for one in every) or "none yet"
        raise RagtuneError(
            f"There is no fine-tune or sweep {options.name!r}. Those there are: {existing}."
        )
    for one in named:
        if not one.state.ended:
            return one
    raise RagtuneError(f"{options.name!r} is not at work: it is {named[0].state.state}.")


def _tell(options: argparse.Namespace, what: str, said: str) -> None:
    if json_wanted(options):
        print_json({what: options.name})
    else:
        print(said)
