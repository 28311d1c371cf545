"""Start an evaluation, stop it, let it go on, ask rows of it again."""

import hashlib
import shutil
import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path, PurePath

from comparison.columns import Column
from comparison.evaluate import check_ready
from comparison.evaluation.conditions import changed, conditions
from comparison.evaluation.kept import (
    AGAIN,
    KIND,
    Evaluation,
    Place,
    evaluations_folder,
    list_evaluations,
    read_evaluation,
)
from comparison.exams.exam import exam_bytes, to_jsonl
from comparison.exams.leaks import leaks_of_columns
from comparison.exams.received import receive
from comparison.lab import Lab
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import write_bytes, write_json, writing
from workbench.home import Home
from workbench.kept import check_can_go_on, new_folder
from workbench.machine import machine

_MODULE = "comparison.evaluation.process"
_MOST_COLUMNS = 12
_LOCK_SECONDS = 10.0


def start_evaluation(
    lab: Lab, data: bytes, exam: str, columns: Sequence[Column], name: str | None = None
) -> Evaluation:
    """Start to ask an exam's questions in a process of its own, and return at once.

    Args:
        lab: where documents, adapters and the model are.
        data: the exam's file; see `comparison.exams.received.receive`.
        exam: the file's name.
        columns: what is asked; where one names no adapter, it is the newest.
        name: of the evaluation; by default "evaluation-" and a number.

    Raises:
        RagtuneError: the exam can't be read, a column can't answer, the name is taken or
            unusable, or another evaluation is at work.
    """
    with _changing(lab.home):
        _check_none_at_work(lab.home)
        folder = make_evaluation(lab, data, exam, columns, name)
        try:
            jobs.start(folder, _MODULE)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return read_evaluation(folder)


def make_evaluation(
    lab: Lab, data: bytes, exam: str, columns: Sequence[Column], name: str | None = None
) -> Path:
    """Make an evaluation's folder, with all that its process needs; see `start_evaluation`."""
    received = receive(data, exam)
    columns = _named(lab, columns)
    made = conditions(lab, columns)
    found = leaks_of_columns(lab, [one.question for one in received.questions], columns)
    folder = new_folder(evaluations_folder(lab.home), KIND, name, KIND)
    with writing(folder):
        folder.mkdir(parents=True)
    try:
        write_bytes(folder / "exam.jsonl", to_jsonl(received.questions).encode())
        write_json(
            folder / "evaluation.json",
            {
                "exam": exam,
                "exam_sha256": hashlib.sha256(data).hexdigest(),
                "columns": [asdict(column) for column in columns],
                "questions": len(received.questions),
                "repeated": len(received.joined),
                "left_out": [f"row {row.row}: {row.reason}" for row in received.rejected],
                "leaks": {
                    name: None if leaks is None else [asdict(leak) for leak in leaks]
                    for name, leaks in found.items()
                },
                "conditions": made,
                "machine": machine(),
                "created": time.time(),
            },
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def start_anew(lab: Lab, evaluation: Evaluation) -> Evaluation:
    """Start an evaluation of the same questions and columns, as everything is now.

    Raises:
        RagtuneError: see `start_evaluation`.
    """
    copy = evaluation.folder / "exam.jsonl"
    name = PurePath(evaluation.exam).with_suffix(copy.suffix).name
    return start_evaluation(lab, exam_bytes(copy), name, evaluation.columns)


def check_unchanged(lab: Lab, evaluation: Evaluation) -> None:
    """Make sure that answers made now may stand beside those that were made before.

    Raises:
        RagtuneError: something is not what it was; it is named.
    """
    differing = changed(evaluation.conditions, conditions(lab, evaluation.columns))
    if differing:
        raise unlike(evaluation.name, ", ".join(differing))


def unlike(name: str, what: str) -> RagtuneError:
    """Return the error for conditions that are not what they were when the evaluation began."""
    return RagtuneError(
        f"The evaluation {name!r} can't go on: {what} changed since it began, and its answers "
        "would not be made alike. The answers there are stay; change that back, or start a new "
        "evaluation."
    )


def pause_evaluation(evaluation: Evaluation) -> None:
    """Ask an evaluation to stop after the answer at hand, to go on later."""
    jobs.pause(evaluation.folder)


def cancel_evaluation(evaluation: Evaluation) -> None:
    """Ask an evaluation to stop after the answer at hand, for good."""
    jobs.cancel(evaluation.folder)


def resume_evaluation(lab: Lab, evaluation: Evaluation) -> Evaluation:
    """Let an evaluation go on with what it has not asked yet.

    Raises:
        RagtuneError: it is complete, was cancelled or hasn't stopped, something is not what it
            was when it began, or another evaluation is at work.
    """
    with _changing(lab.home):
        evaluation = read_evaluation(evaluation.folder)
        check_can_go_on(evaluation, KIND)
        _start_again(lab, evaluation)
    return read_evaluation(evaluation.folder)


def ask_again(lab: Lab, evaluation: Evaluation, places: Collection[Place]) -> Evaluation:
    """Ask single rows of a complete evaluation again; what they give takes their place.

    Raises:
        RagtuneError: it isn't complete, it has no such row, something is not what it was when it
            began, or another evaluation is at work.
    """
    with _changing(lab.home):
        if evaluation.state.active or not evaluation.complete:
            raise RagtuneError(
                f"The evaluation {evaluation.name!r} is not complete. Let it come to its end; then "
                "rows can be asked again."
            )
        labels = {column.label for column in evaluation.columns}
        for number, label in places:
            if not 0 <= number < evaluation.questions or label not in labels:
                raise RagtuneError(
                    f"The evaluation {evaluation.name!r} has no answer {number + 1} of {label!r}."
                )
        write_json(evaluation.folder / AGAIN, sorted(places))
        _start_again(lab, evaluation)
    return read_evaluation(evaluation.folder)


def _start_again(lab: Lab, evaluation: Evaluation) -> None:
    _check_none_at_work(lab.home)
    check_ready(lab, evaluation.columns)
    check_unchanged(lab, evaluation)
    jobs.start(evaluation.folder, _MODULE)


def _named(lab: Lab, columns: Sequence[Column]) -> list[Column]:
    """Return the columns, ready to answer, each with its adapter's name."""
    if not 1 <= len(columns) <= _MOST_COLUMNS:
        raise RagtuneError(
            f"{len(columns)} columns were chosen; 1 to {_MOST_COLUMNS} were expected."
        )
    if any(column.model for column in columns):
        raise RagtuneError("An evaluation asks one model only: that of the Settings.")
    check_ready(lab, columns)
    named = [
        Column(column.method, lab.adapter(column.adapter).name)
        if column.method in ("finetuned", "hybrid")
        else Column(column.method)
        for column in columns
    ]
    return list(dict.fromkeys(named))


def _changing(home: Home) -> AbstractContextManager[None]:
    return home.lock("evaluations", _LOCK_SECONDS, "Another evaluation is being started.")


def _check_none_at_work(home: Home) -> None:
    for one in list_evaluations(home):
        if one.state.active:
            raise RagtuneError(
                f"The evaluation {one.name!r} is at work, and two would slow each other down. "
                "Wait for it, or pause it."
            )
