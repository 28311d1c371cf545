"""Fine-tunes: run one, list, delete and note them."""

import argparse
import dataclasses
import sys
import time
from typing import TYPE_CHECKING

from commands.adapters import adapter_row
from commands.costs import OnlyEstimated, cost_teller, dry_run_option
from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, show, tell_deleted
from commands.turns import POLL_SECONDS, paused_by_ctrl_c, wait_for_turn
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from comparison.lab import Lab
    from finetune_backend.lora import Step
    from finetune_backend.runs import Run


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    train = parsers.command("train", _train, "run a fine-tune to its end")
    train.add_argument("--name", metavar="N", help="the adapter's name")
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. epochs=5; repeatable"
    )
    train.add_argument(
        "--preset", metavar="N", help="facts (default), quick, reading or careful; see the README"
    )
    approved_only_option(train)
    train.add_argument(
        "--resume", metavar="N", help="go on with a fine-tune that was paused or interrupted"
    )
    train.add_argument(
        "--like", metavar="N", help="the examples and settings of another fine-tune; see --set"
    )
    dry_run_option(train)
    train.add_argument(
        "--settings", action="store_true", help="only list what --set takes, with what is usual"
    )
    runs = parsers.command(
        "runs", _runs, "list the fine-tunes; delete one, or note something about it"
    )
    kinds = runs.add_subparsers(title="commands", metavar="COMMAND")
    delete = kinds.add_parser(
        "delete", help="a fine-tune and its adapter", parents=[parsers.common]
    )
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(run=_runs_delete)
    note = kinds.add_parser("note", help="keep a text about a fine-tune", parents=[parsers.common])
    note.add_argument("name", metavar="NAME")
    note.add_argument("text", metavar="TEXT", help="in place of the one before; may be empty")
    note.set_defaults(run=_runs_note)


def approved_only_option(command: argparse.ArgumentParser) -> None:
    """Let a command leave out what a person hasn't approved."""
    command.add_argument(
        "--approved-only",
        action="store_true",
        help="leave out examples that nobody has looked through (page Examples)",
    )


def _train(options: argparse.Namespace) -> None:
    if options.settings:
        _show_settings(options)
        return
    try:
        run = _started(options)
    except OnlyEstimated:
        return
    finally:
        progress.end()
    run = followed(run)
    if run.measures is None:
        raise RagtuneError(f"The fine-tune {run.name!r} is {run.state.state}: {run.state.message}")
    result = {
        "adapter": run.name,
        "steps": int(run.measures["steps"]),
        "seconds": run.measures["seconds"],
        "examples_per_second": run.measures["examples_per_second"],
        "measures": {
            **{k: v for k, v in run.measures.items() if k in ("loss", "recall", "peak_memory_gb")},
            "forgetting": [dataclasses.asdict(change) for change in run.forgetting],
        },
    }
    if json_wanted(options):
        print_json(result)
    else:
        recall = run.measures.get("recall")
        reached = "" if recall is None else f", recall {recall:.0%}"
        print(
            f"adapter {run.name}: loss {run.measures['loss']:.4f}{reached} in "
            f"{result['seconds']:.0f} s, {run.measures['peak_memory_gb']:.2f} GB"
        )
        for change in run.forgetting:
            print(f"    {change.sentence()}")


def _show_settings(options: argparse.Namespace) -> None:
    from finetune_backend.settings import GROUPS, TrainSettings

    fields = {field.name: field for field in dataclasses.fields(TrainSettings)}
    rows = [
        {"setting": name, "default": fields[name].default, **fields[name].metadata}
        for names in GROUPS.values()
        for name in names
    ]
    show(options, rows, ("setting", "default", "meaning"), "")


def _started(options: argparse.Namespace) -> "Run":
    """Start a fine-tune or let one go on, as the options say."""
    from comparison.check_examples import before_training
    from comparison.start_training import start_training
    from finetune_backend.examples.check import check_training_set
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.store import list_examples
    from finetune_backend.presets import PRESETS, find_preset
    from finetune_backend.runs import find_run
    from finetune_backend.settings import TrainSettings
    from finetune_backend.start_run import check_trainable, resume_run
    from workbench.settings import from_text

    lab = lab_of(options)
    if options.resume:
        others = (options.name, options.set, options.preset, options.like, options.approved_only)
        if any((*others, options.dry_run)):
            raise RagtuneError(
                "--resume goes on with the name, the settings and the examples of the fine-tune; "
                "leave --name, --set, --preset, --like, --approved-only and --dry-run out."
            )
        return resume_run(lab.home, find_run(lab.home, options.resume))
    if options.like:
        if options.preset:
            raise RagtuneError("--like takes its own settings; leave --preset out, or use --set.")
        return _trained_again(options, lab)
    preset = find_preset(options.preset or PRESETS[0].name)
    fixed = [f"{name}={value}" for name, value in preset.settings.items()]
    settings = from_text(TrainSettings, [*fixed, *options.set])
    check_trainable(lab.checkpoint())
    examples = to_train_on(list_examples(lab.database), options.approved_only)
    told = before_training(lab, examples, settings)
    for warning in (*check_training_set(examples), *told):
        print(f"note: {warning}", file=sys.stderr)
    tell = cost_teller(options)
    return start_training(lab, examples, settings, options.name, progress.show, tell)


def _trained_again(options: argparse.Namespace, lab: "Lab") -> "Run":
    from finetune_backend.again import run_again
    from finetune_backend.runs import find_run
    from finetune_backend.settings import TrainSettings
    from workbench.settings import from_text

    run = find_run(lab.home, options.like)
    settings = from_text(TrainSettings, options.set, run.settings)
    return run_again(lab.home, run, settings, options.name, cost_teller(options))


def followed(run: "Run") -> "Run":
    """Show how a fine-tune goes until it ends, and return it.

    Ctrl-C pauses it; one that still waits for its turn leaves the queue.
    """
    from finetune_backend.runs import read_run
    from finetune_backend.steps import read_steps

    with paused_by_ctrl_c(run.folder, "train"):
        wait_for_turn(run.folder)
        while not (run := read_run(run.folder)).state.ended:
            steps = read_steps(run.folder)
            if steps:
                last = steps[-1]
                progress.show(told(steps), last.step / last.steps, last.seconds_left)
            else:
                progress.show(run.state.message, 0.0)
            time.sleep(POLL_SECONDS)
    return run


def told(steps: "list[Step]") -> str:
    """Say in one line how far a fine-tune is, what matters most first."""
    last = steps[-1]
    said = [f"step {last.step}/{last.steps}", f"loss {last.loss:.3f}"]
    measured = [step for step in steps if step.recall is not None]
    if measured:
        said.append(f"recall {measured[-1].recall:.0%}")
        said.append(f"validation loss {measured[-1].validation_loss:.3f}")
    said += [
        f"learning rate {last.learning_rate:.1e}",
        f"{last.examples_per_second:.1f} examples/s",
    ]
    if last.memory_gb is not None:
        said.append(f"{last.memory_gb:.2f} GB")
    return "  ".join(said)


def _runs(options: argparse.Namespace) -> None:
    from finetune_backend.notes import read_notes
    from finetune_backend.runs import list_runs
    from finetune_backend.side_by_side import row

    rows = []
    for run in list_runs(lab_of(options).home):
        more = adapter_row(run) | {"message": run.state.message, "notes": read_notes(run.folder)}
        rows.append(row(run) | more if json_wanted(options) else row(run))
    columns = ("name", "state", "created", "examples", "facts", "epochs", "rank")
    measured = ("loss", "recall", "forgetting_points", "seconds", "peak_memory_gb")
    show(options, rows, (*columns, *measured), "No fine-tunes yet: `ragtune train`.")


def _runs_delete(options: argparse.Namespace) -> None:
    from finetune_backend.runs import delete_run, find_run

    delete_run(find_run(lab_of(options).home, options.name))
    tell_deleted(options, options.name)


def _runs_note(options: argparse.Namespace) -> None:
    from finetune_backend.notes import write_notes
    from finetune_backend.runs import find_run

    write_notes(find_run(lab_of(options).home, options.name).folder, options.text)
    if json_wanted(options):
        print_json({"noted": options.name})
    else:
        print(f"noted     {options.name}")
