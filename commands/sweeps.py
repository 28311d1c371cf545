"""Sweeps: run one, list and delete them, make a run of the best trial."""

import argparse
import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any

from commands.adapters import adapter_row
from commands.costs import OnlyEstimated, cost_teller, dry_run_option
from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, show, tell_deleted
from commands.training import approved_only_option, followed
from commands.turns import POLL_SECONDS, paused_by_ctrl_c, wait_for_turn
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from finetune_backend.sweep.sweeps import Sweep
    from finetune_backend.sweep.trials import Trial


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    sweep = parsers.command(
        "sweep", _sweep, "search for settings that learn best, in short fine-tunes"
    )
    sweep.add_argument("--name", metavar="N", help="the sweep's name")
    sweep.add_argument("--trials", type=int, metavar="N", help="at most (default: 12)")
    sweep.add_argument("--minutes", type=float, metavar="M", help="of training, at most")
    sweep.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=LOW..HIGH",
        help="what to search, e.g. rank=4..64; KEY=VALUE fixes a setting; repeatable",
    )
    approved_only_option(sweep)
    sweep.add_argument("--resume", metavar="N", help="go on with one that was paused or killed")
    dry_run_option(sweep)
    kinds = sweep.add_subparsers(title="commands", metavar="COMMAND")
    kinds.add_parser("list", help="all sweeps", parents=[parsers.common]).set_defaults(
        run=_sweep_list
    )
    promoting = kinds.add_parser(
        "promote", help="make the best trial a run", parents=[parsers.common]
    )
    promoting.add_argument("sweep", metavar="NAME")
    promoting.add_argument("--trial", type=int, metavar="N", help="another than the best one")
    promoting.add_argument("--as", dest="name", metavar="N", help="the run's name")
    promoting.set_defaults(run=_sweep_promote)
    deleting = kinds.add_parser(
        "delete", help="a sweep with its trials; what was promoted stays", parents=[parsers.common]
    )
    deleting.add_argument("sweep", metavar="NAME")
    deleting.set_defaults(run=_sweep_delete)


def _sweep(options: argparse.Namespace) -> None:
    try:
        sweep = _started(options)
    except OnlyEstimated:
        return
    finally:
        progress.end()
    _tell_sweep(options, _followed_sweep(sweep))


def _started(options: argparse.Namespace) -> "Sweep":
    """Start a sweep or let one go on, as the options say."""
    from comparison.check_examples import before_training
    from comparison.start_training import start_search
    from finetune_backend.examples.check import check_training_set
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.store import list_examples
    from finetune_backend.settings import TrainSettings, fit_to_data
    from finetune_backend.start_run import check_trainable
    from finetune_backend.sweep.space import from_pairs
    from finetune_backend.sweep.sweeps import TRIALS, Budget, find_sweep, resume_sweep

    lab = lab_of(options)
    if options.resume:
        if options.dry_run or options.approved_only:
            raise RagtuneError(
                "--resume goes on with a sweep that was started; leave --dry-run and "
                "--approved-only out."
            )
        return resume_sweep(lab.home, find_sweep(lab.home, options.resume))
    budget = Budget(TRIALS if options.trials is None else options.trials, options.minutes)
    check_trainable(lab.checkpoint())
    examples = to_train_on(list_examples(lab.database), options.approved_only)
    warnings = check_training_set(examples)
    settings, space = from_pairs(fit_to_data(TrainSettings(), examples), options.set)
    for warning in (*warnings, *before_training(lab, examples, settings)):
        print(f"note: {warning}", file=sys.stderr)
    tell = cost_teller(options, "at most ")
    return start_search(lab, examples, settings, space, budget, options.name, progress.show, tell)


def _followed_sweep(sweep: "Sweep") -> "Sweep":
    """Show how a sweep goes until it ends, and return it; Ctrl-C pauses it or unqueues it."""
    from finetune_backend.sweep.sweeps import read_sweep

    with paused_by_ctrl_c(sweep.folder, "sweep"):
        wait_for_turn(sweep.folder)
        while not (sweep := read_sweep(sweep.folder)).state.ended:
            progress.show(sweep.state.message, sweep.state.share)
            time.sleep(POLL_SECONDS)
    if sweep.state.state != "done":
        raise RagtuneError(
            f"The sweep {sweep.name!r} is {sweep.state.state}: {sweep.state.message}"
        )
    return sweep


def _tell_sweep(options: argparse.Namespace, sweep: "Sweep") -> None:
    rows = [_trial_row(trial) for trial in sweep.trials]
    if json_wanted(options):
        print_json(_sweep_row(sweep) | {"trials": rows, "importances": sweep.importances})
        return
    columns = ("number", "state", *sweep.space, "recall", "validation_loss", "loss", "seconds")
    show(options, [row | row["params"] for row in rows], columns, "No trials were made.")
    if sweep.best:
        number = sweep.best.number
        print(f"The best is trial {number}: `ragtune sweep promote {sweep.name}` makes it a run.")


def _trial_row(trial: "Trial") -> dict[str, Any]:
    last = trial.epochs[-1] if trial.epochs else None
    reached = ("recall", "validation_loss", "loss")
    return dataclasses.asdict(trial) | {key: getattr(last, key, None) for key in reached}


def _sweep_row(sweep: "Sweep") -> dict[str, Any]:
    return {
        "sweep": sweep.name,
        "state": sweep.state.state,
        "message": sweep.state.message,
        "model": sweep.checkpoint,
        "examples": sweep.examples,
        "trials": len(sweep.trials),
        "best": _trial_row(sweep.best) if sweep.best else None,
    }


def _sweep_list(options: argparse.Namespace) -> None:
    from finetune_backend.sweep.sweeps import list_sweeps

    rows = [_sweep_row(sweep) for sweep in list_sweeps(lab_of(options).home)]
    if not json_wanted(options):
        rows = [row | {"best": row["best"] and row["best"]["number"]} for row in rows]
    columns = ("sweep", "state", "model", "examples", "trials", "best")
    show(options, rows, columns, "No sweeps yet: `ragtune sweep`.")


def _sweep_promote(options: argparse.Namespace) -> None:
    from finetune_backend.sweep.promote import promote
    from finetune_backend.sweep.sweeps import find_sweep

    lab = lab_of(options)
    run = promote(lab.home, find_sweep(lab.home, options.sweep), options.trial, options.name)
    if not run.complete:
        run = followed(run)
    if not run.complete:
        raise RagtuneError(f"The fine-tune {run.name!r} is {run.state.state}: {run.state.message}")
    if json_wanted(options):
        print_json(adapter_row(run))
    else:
        print(f"adapter {run.name}")
        if not run.forgetting:
            again = f"ragtune train --like {run.name}"
            print(f"What it forgot was not measured; `{again}` trains it again and measures that.")


def _sweep_delete(options: argparse.Namespace) -> None:
    from finetune_backend.sweep.sweeps import delete_sweep, find_sweep

    delete_sweep(find_sweep(lab_of(options).home, options.sweep))
    tell_deleted(options, options.sweep)
