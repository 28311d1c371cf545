"""Experiments: run, list, show, report and delete them."""

import argparse
import dataclasses
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.exam_file import read_named_exam
from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, show, tell_deleted, tell_written
from commands.turns import paused_by_ctrl_c
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from comparison.experiments.kept import Kept


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    listing = parsers.command(
        "experiments", _experiments, "list the experiments; show, report or delete a started one"
    )
    kinds = listing.add_subparsers(title="commands", metavar="COMMAND")
    for name, run, help in (
        ("show", _show, "what one has found"),
        ("report", _report, "write what one has found as HTML, Markdown and CSV"),
        ("delete", _delete, "an experiment with its answers"),
    ):
        kind = kinds.add_parser(name, help=help, description=help, parents=[parsers.common])
        kind.add_argument("name", metavar="NAME")
        kind.set_defaults(run=run)
        if run is _report:
            kind.add_argument(
                "--out", type=Path, metavar="FOLDER", help="where to (default: NAME-report)"
            )
    experiment = parsers.command(
        "experiment", _experiment, "answer one question about the methods on your documents"
    )
    experiment.add_argument("key", nargs="?", metavar="KEY", help="see `ragtune experiments`")
    experiment.add_argument(
        "--exam",
        metavar="EXAM",
        help="a JSONL or CSV file, or a kept exam's name (default: yours changed last, or the "
        "sample's)",
    )
    experiment.add_argument("--adapter", metavar="N", help="adapter (default: the newest)")
    experiment.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="e.g. questions=50; repeatable",
    )
    experiment.add_argument(
        "--resume", metavar="N", help="go on with one that was paused or killed"
    )


def _experiments(options: argparse.Namespace) -> None:
    from comparison.experiments.kept import list_kept
    from comparison.experiments.listed import experiments

    started = list_kept(lab_of(options).home)
    rows: list[dict[str, Any]] = [
        {
            "key": one.key,
            "title": one.title,
            "question": one.question,
            "needs": one.needs,
            "costs": one.costs,
            "options": dataclasses.asdict(one.options()),
            "started": [kept.name for kept in started if kept.key == one.key],
        }
        for one in experiments()
    ]
    if not json_wanted(options):
        rows = [row | {"started": ", ".join(row["started"])} for row in rows]
    show(options, rows, ("key", "question", "started"), "")


def _experiment(options: argparse.Namespace) -> None:
    from comparison.exams.kept import exam_files
    from comparison.experiments.kept import (
        ExamFile,
        find_kept,
        read_experiment,
        resume_experiment,
        start_experiment,
    )
    from comparison.experiments.listed import find_experiment
    from workbench import jobs
    from workbench.settings import from_text

    lab = lab_of(options)
    if (options.key is None) == (options.resume is None):
        raise RagtuneError("Either the key of an experiment or --resume NAME was expected.")
    if options.resume:
        kept = resume_experiment(lab.home, find_kept(lab.home, options.resume))
    else:
        chosen = from_text(find_experiment(options.key).options, options.set)
        data, name = read_named_exam(lab.home, options.exam or next(iter(exam_files(lab.home))))
        print(f"exam: {name}", file=sys.stderr)
        kept = start_experiment(lab, options.key, ExamFile(name, data), chosen, options.adapter)
    with paused_by_ctrl_c(kept.folder, "experiment"):
        jobs.follow(kept.folder, progress.show)
    _tell(options, read_experiment(kept.folder))


def _show(options: argparse.Namespace) -> None:
    from comparison.experiments.kept import find_kept

    _tell(options, find_kept(lab_of(options).home, options.name))


def _report(options: argparse.Namespace) -> None:
    from comparison.experiments.kept import find_kept
    from comparison.report.write import write_experiment_report

    kept = find_kept(lab_of(options).home, options.name)
    folder = options.out or Path(f"{kept.name}-report")
    tell_written(options, write_experiment_report(kept, folder, date.today()))


def _delete(options: argparse.Namespace) -> None:
    from comparison.experiments.kept import delete_experiment, find_kept

    delete_experiment(find_kept(lab_of(options).home, options.name))
    tell_deleted(options, options.name)


def _tell(options: argparse.Namespace, kept: "Kept") -> None:
    from comparison.experiments.kept import as_json

    if json_wanted(options):
        print_json(as_json(kept))
        return
    if kept.result is None:
        raise RagtuneError(
            f"The experiment {kept.name!r} has found nothing yet: it is {kept.state.state}, with "
            f"{len(kept.rows()):,} answers. Its answers: ragtune experiments show {kept.name} "
            "--json"
        )
    show(options, list(kept.result.table), list(kept.result.table[0]), "")
    print(f"\nExam: {kept.exam}. {kept.result.caption}")
    for note in kept.result.notes:
        print(f"  {note}")
