"""Experiments: list and run them."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, show
from commands.turns import paused_by_ctrl_c
from workbench.errors import RagtuneError


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    parsers.command(
        "experiments", _experiments, "list the experiments, and what was started of each"
    )
    experiment = parsers.command(
        "experiment", _experiment, "answer one question about the methods on your documents"
    )
    experiment.add_argument("key", nargs="?", metavar="KEY", help="see `ragtune experiments`")
    experiment.add_argument(
        "--exam",
        type=Path,
        metavar="FILE",
        help="questions about the documents (JSONL; default: an exam of yours, or the sample's)",
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
        as_json,
        find_kept,
        read_exam_file,
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
        exam = read_exam_file(options.exam or next(iter(exam_files(lab.home).values())))
        kept = start_experiment(lab, options.key, exam, chosen, options.adapter)
    with paused_by_ctrl_c(kept.folder, "experiment"):
        jobs.follow(kept.folder, progress.show)
    kept = read_experiment(kept.folder)
    assert kept.result is not None  # it ended well
    if json_wanted(options):
        print_json(as_json(kept))
        return
    show(options, list(kept.result.table), list(kept.result.table[0]), "")
    print(f"\n{kept.result.caption}")
    for note in kept.result.notes:
        print(f"  {note}")
