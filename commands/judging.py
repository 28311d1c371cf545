"""A model as a judge: held against blind votes, then let loose on an evaluation."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, show
from commands.turns import paused_by_ctrl_c

if TYPE_CHECKING:
    from comparison.lab import Lab


def add(parsers: Parsers) -> None:
    """Declare the command."""
    judge = parsers.command(
        "judge", _judge, "hold the judge against the blind votes, or let it judge an evaluation"
    )
    judge.add_argument(
        "evaluation",
        nargs="?",
        metavar="EVALUATION",
        help="compare the answers of its columns; without it, judge the votes on page Ask. Either "
        "goes on with what is not judged yet",
    )


def _judge(options: argparse.Namespace) -> None:
    lab = lab_of(options)
    if options.evaluation is None:
        _measure(options, lab)
    else:
        _evaluation(options, lab)


def _measure(options: argparse.Namespace, lab: "Lab") -> None:
    from comparison.judge.agreement import agreement
    from comparison.judge.start import start_measuring

    found = agreement(lab)
    if found.waiting or not found.votes:
        _follow(start_measuring(lab), "judge")
        found = agreement(lab)
    if json_wanted(options):
        said = {"may_judge": not found.missing, "sentence": found.sentence}
        print_json(dataclasses.asdict(found) | said)
        return
    for sentence in filter(None, (found.sentence, found.biases)):
        print(sentence)


def _evaluation(options: argparse.Namespace, lab: "Lab") -> None:
    from comparison.evaluation.kept import find_evaluation
    from comparison.judge.kept import read_judging
    from comparison.judge.opinions import as_json, opinion
    from comparison.judge.start import start_judging

    evaluation = find_evaluation(lab.home, options.evaluation)
    folder = start_judging(lab, evaluation)
    _follow(folder, f"judge {evaluation.name}")
    made = opinion(evaluation, read_judging(folder))
    if json_wanted(options):
        print_json({"evaluation": evaluation.name, **as_json(made)})
        return
    columns = ("first", "second", "questions", "only_first", "only_second", "ties", "undecided")
    rows = [
        dataclasses.asdict(one)
        | {"win_share": one.share.value, "low": one.share.low, "high": one.share.high}
        for one in made.preferences
    ]
    show(options, rows, (*columns, "win_share", "low", "high"), "")
    print()
    for note in made.notes:
        print(note)


def _follow(folder: Path, go_on: str) -> None:
    from workbench import jobs

    with paused_by_ctrl_c(folder, "judge", go_on):
        jobs.follow(folder, progress.show)
