"""The process that asks: ``python -m comparison.evaluation.process EVALUATION_FOLDER``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from comparison.columns import Column
from comparison.evaluate import Examiner
from comparison.evaluation.kept import (
    Evaluation,
    Place,
    asked_questions,
    done_again,
    read_evaluation,
    waiting_again,
)
from comparison.evaluation.rows import add_row, mend_rows, read_rows
from comparison.evaluation.start import check_unchanged, unlike
from comparison.lab import open_lab
from comparison.scoring import Row
from finetune_backend.examples.wording import shorten
from workbench import jobs
from workbench.errors import RagtuneError

_SHOWN = 80
"""Characters of a question in an error."""


def work(folder: Path) -> None:
    """Ask what the evaluation has not asked yet, or what is to be asked again."""
    with jobs.working(folder) as job:
        mend_rows(folder)
        evaluation = read_evaluation(folder)
        again = waiting_again(folder)
        rows = read_rows(folder)
        job.say("Loading the language model", len(rows) / evaluation.answers)
        lab = open_lab(folder.parent.parent)
        check_unchanged(lab, evaluation)
        examiner = Examiner(lab, evaluation.columns)
        _ask(evaluation, again or _missing(evaluation, rows), rows, examiner, job)
        done_again(folder)


def _ask(
    evaluation: Evaluation,
    places: Sequence[Place],
    rows: Sequence[Row],
    examiner: Examiner,
    job: jobs.Job,
) -> None:
    questions = asked_questions(evaluation)
    columns = {column.label: column for column in evaluation.columns}
    alike: dict[str, dict[str, str]] = {row["column"]: row["fingerprint"] for row in rows}
    before = evaluation.answers - len(places)
    for done, (number, label) in enumerate(places, start=before):
        job.say(_said(number, evaluation.questions, columns[label]), done / evaluation.answers)
        try:
            row = examiner.row(questions[number], columns[label])
        except RagtuneError as error:
            asked = f"“{shorten(questions[number].question, _SHOWN)}”"
            where = f"{_said(number, evaluation.questions, columns[label])}, {asked}"
            raise RagtuneError(f"{where}: {error} {_how_on(evaluation)}") from error
        # What an answer depends on may change while others are made, documents for example.
        prints = alike.setdefault(label, row["fingerprint"])
        differing = [name for name in prints if prints[name] != row["fingerprint"][name]]
        if differing:
            raise unlike(evaluation.name, f"the {' and the '.join(differing)} of {label}")
        add_row(evaluation.folder, {"number": number, "column": label} | row)


def _said(number: int, questions: int, column: Column) -> str:
    return f"Question {number + 1:,} of {questions:,}, {column.label}"


def _how_on(evaluation: Evaluation) -> str:
    """Say what is kept, and how to go on."""
    there = len(read_rows(evaluation.folder))
    if there == evaluation.answers:
        return "The answer that was there stays; once that is put right, ask it again."
    return (
        f"Kept are {there:,} of {evaluation.answers:,} answers. Once that is put right, go on from "
        f"there: page Evaluate, or `ragtune evaluate --resume {evaluation.name}`."
    )


def _missing(evaluation: Evaluation, rows: Sequence[Row]) -> list[Place]:
    """Return what is not answered yet: question by question, so that columns stay paired."""
    there = {(row["number"], row["column"]) for row in rows}
    return [
        place
        for number in range(evaluation.questions)
        for column in evaluation.columns
        if (place := (number, column.label)) not in there
    ]


if __name__ == "__main__":
    work(Path(sys.argv[1]))
