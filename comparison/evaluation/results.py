"""What an evaluation found: figures with intervals, verdicts, and what to keep in mind."""

import csv
import dataclasses
import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.evaluation.kept import Evaluation, read_evaluation
from comparison.evaluation.pools import Pool, pools
from comparison.evaluation.rows import read_rows, version
from comparison.evaluation.seeds import over_seeds
from comparison.evaluation.verdicts import Verdict, comparisons, verdicts
from comparison.exams.leaks import leak_sentences
from comparison.scoring import Row, intervals, measures
from comparison.statistics.interval import Interval
from finetune_backend.examples.write import protect_cell
from workbench.home import open_home

_WORTH_SAYING = 0.1
_CSV_COLUMNS = (
    *("number", "column", "method", "adapter", "question", "expected", "answer", "right"),
    *("exact_match", "f1", "contains", "token_recall", "number_match", "form_kept", "refused"),
    *("unanswerable", "groundedness", "hit", "reciprocal_rank", "document", "retrieved"),
    *("pool", "option_chosen", "option_chosen_per_token", "latency_ms"),
)


@dataclass(frozen=True, slots=True)
class Results:
    """The figures of an evaluation, of those answers that are there."""

    rows: Sequence[Row]
    measures: dict[str, dict[str, Any]]
    """By the column's label; see `comparison.scoring.measures`."""
    intervals: dict[str, dict[str, Interval]]
    verdicts: list[Verdict]
    pools: list[Pool]
    notes: list[str]
    """What to keep in mind, in sentences."""


def results(evaluation: Evaluation) -> Results:
    """Return what an evaluation has found so far."""
    return _results(evaluation.folder, version(evaluation.folder))


@functools.lru_cache(maxsize=4)
def _results(folder: Path, _version: tuple[int, int]) -> Results:
    evaluation, rows = read_evaluation(folder), read_rows(folder)
    labels = [column.label for column in evaluation.columns]
    by_label = {label: [row for row in rows if row["column"] == label] for label in labels}
    by_label = {label: own for label, own in by_label.items() if own}
    made = verdicts(rows, list(by_label))
    return Results(
        rows,
        {label: measures(own) for label, own in by_label.items()},
        {label: intervals(own) for label, own in by_label.items()},
        made,
        pools(rows, list(by_label)),
        [
            *_notes(evaluation, rows),
            *_weighing(rows),
            *_odd(by_label),
            *filter(None, [comparisons(made)]),
        ],
    )


def unequal(rows: Sequence[Row]) -> list[str]:
    """Name the conditions in which answers differ that should be equal."""
    prints = [row["fingerprint"] for row in rows]
    return [
        name
        for name in ("checkpoint", "precision", "decoding", "retriever")
        if len({one[name] for one in prints} - {"none"}) > 1
    ]


def as_json(evaluation: Evaluation, found: Results) -> dict[str, Any]:
    """Return an evaluation as `ragtune evaluate --json` prints it.

    A column goes by its method's name where no other has the same method, else by its label.
    """
    names = _names(evaluation)
    return {
        "evaluation": evaluation.name,
        "exam": evaluation.exam,
        "questions": evaluation.questions,
        "state": evaluation.state.state,
        "columns": [dataclasses.asdict(column) for column in evaluation.columns],
        "leaks": {
            name: None if leaks is None else [leak.place for leak in leaks]
            for name, leaks in evaluation.leaks.items()
        },
        "conditions": evaluation.conditions,
        "methods": {names[label]: own for label, own in found.measures.items()},
        "intervals": {
            names[label]: {metric: [one.low, one.high] for metric, one in own.items()}
            for label, own in found.intervals.items()
        },
        "verdicts": [
            dataclasses.asdict(one) | {"told": one.told, "sentence": one.sentence}
            for one in found.verdicts
        ],
        "seeds": [
            dataclasses.asdict(one) | {"sentence": one.sentence}
            for one in over_seeds(
                open_home(evaluation.folder.parents[1]), evaluation.columns, found.rows
            )
        ],
        "pools": {
            pool.name: {
                "meaning": pool.meaning,
                "questions": pool.questions,
                "right": {
                    names[label]: dataclasses.asdict(own) for label, own in pool.right.items()
                },
            }
            for pool in found.pools
        },
        "notes": found.notes,
        "rows": list(found.rows),
    }


def as_csv(rows: Sequence[Row], columns: Sequence[str] = _CSV_COLUMNS) -> str:
    """Return rows as CSV; encode it as ``utf-8-sig``, which Excel understands."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " | ".join(map(str, value))
    return protect_cell(value) if isinstance(value, str) else value


def _names(evaluation: Evaluation) -> dict[str, str]:
    methods = [column.method for column in evaluation.columns]
    return {
        column.label: column.method if methods.count(column.method) == 1 else column.label
        for column in evaluation.columns
    }


def _notes(evaluation: Evaluation, rows: Sequence[Row]) -> list[str]:
    notes = []
    if len(rows) < evaluation.answers:
        notes.append(f"{len(rows):,} of {evaluation.answers:,} answers are there so far.")
    if evaluation.repeated:
        notes.append(
            f"Repeated in the exam, and asked only once so that none counts twice: "
            f"{evaluation.repeated:,}."
        )
    if out := evaluation.left_out:
        more = f", and {len(out) - 1:,} more" if out[1:] else ""
        notes.append(f"Left out of the exam, as it can't be asked: {out[0]}{more}.")
    notes += leak_sentences(evaluation.leaks, evaluation.questions)
    if differing := unequal(rows):
        notes.append(f"Confounded: {', '.join(differing)} differ between the columns.")
    return notes


def _weighing(rows: Sequence[Row]) -> list[str]:
    """Say how long options were weighed, or why they were not."""
    reasons = dict.fromkeys(why for row in rows if (why := row.get("option_why")))
    notes = [f"Options were not weighed: {why}." for why in reasons]
    taken = [row["option_ms"] for row in rows if row.get("option_ms") is not None]
    if taken:
        notes.append(
            f"How likely each option is was looked at after {_answers(len(taken))}, which took "
            f"{sum(taken) / len(taken):,.0f} ms each; no latency holds that."
        )
    return notes


def _answers(count: int) -> str:
    return "1 answer" if count == 1 else f"{count:,} answers"


def _odd(by_label: dict[str, list[Row]]) -> list[str]:
    """Name the columns that often say nothing, or nothing new."""
    notes = []
    for label, rows in by_label.items():
        for kind, said in (
            ("empty", "said nothing in"),
            ("repeating", "says the same words over and over in"),
        ):
            count = sum(row[kind] for row in rows)
            if count >= _WORTH_SAYING * len(rows):
                notes.append(f"{label} {said} {count:,} of {len(rows):,} answers.")
    return notes
