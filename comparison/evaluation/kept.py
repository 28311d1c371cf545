"""Evaluations that are kept: find them, read them, delete them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.columns import Column
from comparison.evaluation.rows import read_rows
from comparison.exams.exam import ExamQuestion, read_exam
from comparison.exams.leaks import Leak
from finetune_backend.examples.wording import fold
from workbench import jobs, kept
from workbench.errors import RagtuneError
from workbench.files import read_json
from workbench.home import Home
from workbench.jobs import JobState

KIND, _FOLDER = "evaluation", "evaluations"
AGAIN = "again.json"
"""Lists rows that are to be asked again."""
JUDGE = "judge.json"
"""Says who judges, in the folder of a judge's work; see `comparison.judge.kept`."""

Place = tuple[int, str]
"""The number of a question, from 0, and the label of a column."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation: a folder under the home's ``evaluations``."""

    name: str
    folder: Path
    state: JobState
    exam: str
    """The exam's name; its questions are copied."""
    columns: tuple[Column, ...]
    questions: int
    """Each is asked once in every column."""
    repeated: int
    """Questions that stand in the exam again, and are not asked again."""
    left_out: tuple[str, ...]
    """What is said of each row of the exam that can't be asked."""
    leaks: dict[str, tuple[Leak, ...] | None]
    """Questions that were trained on, by the adapter; None where what it learned from is not
    known; empty where that was not looked for."""
    conditions: dict[str, Any]
    machine: dict[str, Any]
    """Where it was begun, and with which versions; empty where that was not noted."""
    created: float
    """Seconds since the epoch."""

    @property
    def answers(self) -> int:
        """How many answers it has once it is complete."""
        return self.questions * len(self.columns)

    @property
    def complete(self) -> bool:
        """Are all answers there?"""
        return len(read_rows(self.folder)) == self.answers

    @property
    def can_go_on(self) -> bool:
        """Did it end before its time, in a way that it can go on from?"""
        return self.state.stopped and not self.complete


def list_evaluations(home: Home) -> list[Evaluation]:
    """Return all evaluations, the newest first."""
    return kept.newest_first(evaluations_folder(home), "evaluation.json", read_evaluation)


def find_evaluation(home: Home, name: str) -> Evaluation:
    """Return the evaluation with this name.

    Raises:
        RagtuneError: there is none.
    """
    return kept.find(list_evaluations(home), name, KIND)


def read_evaluation(folder: Path) -> Evaluation:
    """Read an evaluation from its folder."""
    saved = read_json(folder / "evaluation.json")
    return Evaluation(
        name=folder.name,
        folder=folder,
        state=jobs.read(folder),
        exam=saved["exam"],
        columns=tuple(Column(**column) for column in saved["columns"]),
        questions=saved["questions"],
        repeated=saved["repeated"],
        left_out=tuple(saved.get("left_out", ())),
        leaks={
            name: None if leaks is None else tuple(Leak(**leak) for leak in leaks)
            for name, leaks in saved.get("leaks", {}).items()
        },
        conditions=saved["conditions"],
        machine=saved.get("machine", {}),
        created=saved["created"],
    )


def asked_questions(evaluation: Evaluation) -> list[ExamQuestion]:
    """Return the questions, in the order of their numbers."""
    return each_once(read_exam(evaluation.folder / "exam.jsonl"))


def each_once(questions: Sequence[ExamQuestion]) -> list[ExamQuestion]:
    """Leave out a question that stands there again: counted twice, it would tell twice as much."""
    first: dict[str, ExamQuestion] = {}
    for one in questions:
        first.setdefault(fold(one.question), one)
    return list(first.values())


def waiting_again(folder: Path) -> list[Place]:
    """Return the rows that are to be asked again."""
    file = folder / AGAIN
    return [(number, label) for number, label in read_json(file)] if file.exists() else []


def done_again(folder: Path) -> None:
    """Take note that all rows were asked again."""
    (folder / AGAIN).unlink(missing_ok=True)


def judge_folders(folder: Path) -> list[Path]:
    """Return the folders of the judges' works on an evaluation."""
    return [file.parent for file in folder.glob(f"judge-*/{JUDGE}")]


def delete_evaluation(evaluation: Evaluation) -> None:
    """Delete an evaluation with its answers, and what judges said of them.

    Raises:
        RagtuneError: it is at work, or a judge is.
    """
    if any(map(jobs.at_work, judge_folders(evaluation.folder))):
        raise RagtuneError(f"A judge is at work on {evaluation.name!r}. Pause it first.")
    kept.delete(evaluation, KIND)


def evaluations_folder(home: Home) -> Path:
    """Return the folder of all evaluations, which may not be made yet."""
    return home.folder / _FOLDER
