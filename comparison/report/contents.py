"""What a report says, from its verdicts to how its answers are made again."""

import shlex
from datetime import date
from importlib.metadata import version

from comparison.evaluation.kept import Evaluation
from comparison.evaluation.money import priced
from comparison.evaluation.results import Results, results, unequal
from comparison.evaluation.seeds import over_seeds
from comparison.lab import Lab
from comparison.prices import load_prices
from comparison.report.blocks import Block, Commands, Points, Report, Section, Table, percent
from comparison.report.figures import cost, metrics
from comparison.report.opinions import judged
from comparison.report.origin import model_of, origin, runs_of
from comparison.report.questions import questions
from workbench.errors import RagtuneError

_SMALLEST_P = 0.0001
_METHODS = {
    "base": "The model as it is",
    "rag": "The model, with passages of the documents before each question",
    "finetuned": "The model with the adapter",
    "hybrid": "The model with the adapter, with passages of the documents before each question",
}


def make_report(lab: Lab, evaluation: Evaluation, made: date) -> Report:
    """Return a report of an evaluation, of those answers that are there.

    Args:
        lab: where documents, fine-tunes and prices are.
        evaluation: a kept one.
        made: the day that the report gives; all else follows from the evaluation and the prices.

    Raises:
        RagtuneError: it has no answers yet, or they can't be read.
    """
    found = priced(results(evaluation), load_prices(lab.home))
    if not found.rows:
        raise RagtuneError(
            f"The evaluation {evaluation.name!r} has no answers yet, so that there is nothing to "
            "report. Let it go on first."
        )
    title = f"Evaluation {evaluation.name}"
    if len(found.rows) < evaluation.answers:
        title += f", not complete: {len(found.rows):,} of {evaluation.answers:,} answers are there"
    runs = runs_of(lab, evaluation)
    return Report(
        title,
        f"Reported on {made.isoformat()} by Ragtune {version('ragtune')}.",
        (
            _verdicts(lab, evaluation, found),
            _compared(evaluation, found),
            metrics(found),
            *judged(evaluation),
            cost(found, runs),
            questions(found),
            origin(lab, evaluation, runs),
            _again(evaluation),
        ),
    )


def _verdicts(lab: Lab, evaluation: Evaluation, found: Results) -> Section:
    said = [verdict.sentence for verdict in found.verdicts]
    said += [one.sentence for one in over_seeds(lab.home, evaluation.columns, found.rows)]
    if not found.verdicts:
        said += [
            f"{label} answers {percent(own['right'])} of the questions rightly; there is no other "
            "column to compare it with."
            for label, own in found.intervals.items()
        ]
    blocks: list[Block] = [Points((*said, *found.notes))]
    if found.verdicts:
        rows = tuple(
            (
                one.first,
                one.second,
                f"{one.questions:,}",
                f"{one.only_first:,}",
                f"{one.only_second:,}",
                f"{100 * one.difference.value:+.1f}",
                f"{100 * one.difference.low:+.1f} to {100 * one.difference.high:+.1f}",
                _p(one.p),
                _p(one.p_together),
            )
            for one in found.verdicts
        )
        counted = ("first", "second", "questions", "only first right", "only second right")
        told = ("points", "95 % interval", "p", "p, all together")
        blocks.append(Table((*counted, *told), rows, "All comparisons"))
        blocks.append(
            Points(
                (
                    "points: the first's share of right answers less the second's. Intervals: "
                    "paired bootstrap over questions. p: McNemar's exact test, and the same with "
                    "all comparisons counted (Holm).",
                )
            )
        )
    return Section("Verdict", tuple(blocks))


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= _SMALLEST_P else f"< {_SMALLEST_P}"


def _compared(evaluation: Evaluation, found: Results) -> Section:
    model, _ = model_of(evaluation.conditions)
    first = {row["column"]: row["fingerprint"] for row in reversed(found.rows)}
    conditions = ("checkpoint", "precision", "decoding", "retriever")
    rows = tuple(
        (
            column.label,
            _METHODS[column.method],
            *(first[column.label][name] for name in conditions),
        )
        for column in evaluation.columns
        if column.label in first
    )
    differing = unequal(found.rows)
    equal = "Equal conditions: the same checkpoint, precision, decoding and retriever in every "
    equal += "column, so that what differs between them is the method and the adapter."
    confounded = f"Confounded: {', '.join(differing)} differ between the columns, so that a "
    confounded += "difference may be due to that as well as to the method."
    return Section(
        "What was compared",
        (
            Points(
                (
                    f"{evaluation.questions:,} questions of the exam {evaluation.exam}, each asked "
                    f"once in every column, to the model {model}.",
                    confounded if differing else equal,
                )
            ),
            Table(("column", "what answers", *conditions), rows),
        ),
    )


def _again(evaluation: Evaluation) -> Section:
    name = evaluation.name
    methods = ",".join(dict.fromkeys(column.method for column in evaluation.columns))
    adapters = dict.fromkeys(column.adapter for column in evaluation.columns if column.adapter)
    lines = [f"ragtune bundle {name} {name}.zip", f"ragtune replay {name}.zip"]
    said = ["Exam, documents, settings and adapters in one file, asked again and compared:"]
    named = "".join(f" --adapter {shlex.quote(adapter)}" for adapter in adapters)
    return Section(
        "How to rerun it",
        (
            Points(tuple(said)),
            Commands(tuple(lines)),
            Points(("Or by hand, with the exam's file and all of the above as it was:",)),
            Commands((f"ragtune evaluate exam.jsonl --methods {methods}{named}",)),
        ),
    )
