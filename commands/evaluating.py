"""Evaluations: ask an exam, list, show and delete them."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commands.exam_file import read_named_exam
from commands.options import json_wanted, lab_of, method_options
from commands.parsers import Parsers
from commands.shown import print_json, progress, show, tell_deleted
from commands.turns import paused_by_ctrl_c
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from comparison.evaluation.kept import Evaluation
    from comparison.statistics.interval import Interval


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    evaluate = parsers.command(
        "evaluate", _evaluate, "ask every question of an exam and score the answers"
    )
    evaluate.add_argument(
        "exam", nargs="?", metavar="EXAM", help="a JSONL or CSV file, or a kept exam's name"
    )
    method_options(evaluate, several=True)
    evaluate.add_argument("--name", metavar="N", help="the evaluation's name")
    evaluate.add_argument("--resume", metavar="N", help="go on with one that stopped")
    evaluations = parsers.command(
        "evaluations", _evaluations, "list the evaluations; show or delete one"
    )
    kinds = evaluations.add_subparsers(title="commands", metavar="COMMAND")
    showing = kinds.add_parser("show", help="what one has found", parents=[parsers.common])
    showing.add_argument("name", metavar="NAME")
    showing.set_defaults(run=_evaluations_show)
    delete = kinds.add_parser(
        "delete", help="an evaluation and its answers", parents=[parsers.common]
    )
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(run=_evaluations_delete)


def _evaluate(options: argparse.Namespace) -> None:
    from comparison.columns import columns_of
    from comparison.evaluation.kept import find_evaluation, read_evaluation
    from comparison.evaluation.start import resume_evaluation, start_evaluation
    from workbench import jobs

    if (options.exam is None) == (options.resume is None):
        raise RagtuneError("Name an exam, or an evaluation to go on with (--resume NAME).")
    lab = lab_of(options)
    if options.resume:
        made = resume_evaluation(lab, find_evaluation(lab.home, options.resume))
    else:
        exam = read_named_exam(lab.home, options.exam)
        columns = columns_of(options.methods.split(","), options.adapter or [None])
        made = start_evaluation(lab, *exam, columns, options.name)
    with paused_by_ctrl_c(made.folder, "evaluate"):
        jobs.follow(made.folder, progress.show)
    _tell_evaluation(options, read_evaluation(made.folder))


def _tell_evaluation(options: argparse.Namespace, evaluation: "Evaluation") -> None:
    from comparison.evaluation.money import priced
    from comparison.evaluation.results import as_json, results
    from comparison.evaluation.seeds import over_seeds
    from comparison.metrics import METRICS
    from comparison.prices import load_prices

    home = lab_of(options).home
    found = priced(results(evaluation), load_prices(home))
    if json_wanted(options):
        print_json(as_json(evaluation, found))
        return
    rows, measured = list[dict[str, Any]](), found.measures.items()
    for metric in METRICS:
        row = {
            label: _figure(metric.name, own.get(metric.name), found.intervals[label])
            for label, own in found.measures.items()
        }
        if any(value is not None for value in row.values()):
            better = f"{metric.meaning} {metric.better.capitalize()} is better."
            rows.append({"metric": metric.name, **row, "meaning": better})
        if metric.name == "latency_ms":
            for part in ("p95", "p99"):
                late = {label: f"{own[metric.name][part]:,.0f}" for label, own in measured}
                said = f"So long at most took {part[1:]} of 100 answers. Lower is better."
                rows.append({"metric": f"latency_ms, {part}", **late, "meaning": said})
    show(options, rows, ["metric", *found.measures, "meaning"], "No answers yet.")
    print()
    if found.pools:
        shares = [
            {"pool": pool.meaning, "questions": pool.questions}
            | {label: _share(own) for label, own in pool.right.items()}
            for pool in found.pools
        ]
        show(options, shares, ["pool", "questions", *found.measures], "")
        print()
    print("In brackets: the 95 % interval for other questions like these.")
    sentences = [verdict.sentence for verdict in found.verdicts]
    sentences += [one.sentence for one in over_seeds(home, evaluation.columns, found.rows)]
    print("\n".join((*sentences, *found.notes)))


def _figure(metric: str, value: Any, intervals: Mapping[str, "Interval"]) -> Any:
    """Write a figure with its interval, where it has one."""
    one = intervals.get(metric)
    if one is None:
        return value
    form = {"latency_ms": ",.0f", "money_per_1000": ",.3g"}.get(metric, ".3f")
    return f"{one.value:{form}} ({one.low:{form}}–{one.high:{form}})"


def _share(right: "Interval") -> str:
    return f"{right.value:.0%} ({right.low:.0%}–{right.high:.0%})"


def _evaluations(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import list_evaluations

    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "state": one.state.state,
            "exam": one.exam,
            "questions": one.questions,
            "columns": [column.label for column in one.columns],
            "created": one.created,
        }
        for one in list_evaluations(lab_of(options).home)
    ]
    if not json_wanted(options):
        rows = [row | {"columns": ", ".join(row["columns"])} for row in rows]
    columns = ("name", "state", "exam", "questions", "columns")
    show(options, rows, columns, "No evaluations yet: `ragtune evaluate EXAM.jsonl`.")


def _evaluations_show(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import find_evaluation

    _tell_evaluation(options, find_evaluation(lab_of(options).home, options.name))


def _evaluations_delete(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import delete_evaluation, find_evaluation

    delete_evaluation(find_evaluation(lab_of(options).home, options.name))
    tell_deleted(options, options.name)
