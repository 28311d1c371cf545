"""Experiments that were started: each is a folder, and at work a job of its own."""

import hashlib
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comparison.columns import Column
from comparison.evaluation.conditions import changed, conditions
from comparison.exams.exam import ExamQuestion, exam_bytes, read_exam
from comparison.exams.exam import to_jsonl as exam_jsonl
from comparison.exams.received import receive
from comparison.experiments.experiment import Result, as_saved, result_from
from comparison.experiments.keeper import read_rows
from comparison.experiments.listed import find_experiment
from comparison.lab import Lab
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import list_examples
from finetune_backend.examples.write import to_jsonl
from finetune_backend.start_run import check_trainable
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, write_bytes, write_json, writing
from workbench.home import Home
from workbench.jobs import JobState
from workbench.kept import check_can_go_on, delete, find, new_folder, newest_first
from workbench.values import Example

_MODULE = "comparison.experiments.process"
_KIND = "experiment"
_LOCK, _LOCK_SECONDS = "start-experiment", 10.0
_BUSY = "Another experiment is being started; try again."
_EXAM, _EXAMPLES = "exam.jsonl", "examples.jsonl"
_CUTTING = ("passage_tokens", "overlap_tokens")
RESULT = "result.json"
"""Written last: with it the experiment is complete."""


@dataclass(frozen=True, slots=True)
class ExamFile:
    """An exam as it lies on a disk or was uploaded."""

    name: str
    data: bytes
    """See `comparison.exams.received.receive`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One experiment that was started."""

    name: str
    folder: Path
    state: JobState
    key: str
    exam: str
    """The exam file's name."""
    adapter: str | None
    options: dict[str, Any]
    conditions: dict[str, Any]
    """All that must stay the same while it is at work, by the words that name it."""
    created: float
    """Seconds since the epoch."""
    result: Result | None
    """None while it isn't complete."""

    @property
    def can_go_on(self) -> bool:
        """Did it end before its time, in a way that it can go on from?"""
        return self.state.stopped and self.result is None

    def rows(self) -> list[dict[str, Any]]:
        """Return the answers that were kept so far."""
        return read_rows(self.folder)

    def questions(self) -> list[ExamQuestion]:
        """Return the exam's questions."""
        return read_exam(self.folder / _EXAM)

    def examples(self) -> tuple[Example, ...]:
        """Return the examples that it trains on, as they were when it was started."""
        file = self.folder / _EXAMPLES
        return read_examples(file.read_bytes(), file.name).examples if file.exists() else ()


def read_exam_file(path: Path) -> ExamFile:
    """Read an exam's file; what is in it is looked at when it is used.

    Raises:
        RagtuneError: it can't be read.
    """
    return ExamFile(path.name, exam_bytes(path))


def start_experiment(
    lab: Lab, key: str, exam: ExamFile, options: Any = None, adapter: str | None = None
) -> Kept:
    """Start an experiment in its own process and return at once.

    Args:
        lab: where everything is.
        key: which experiment.
        exam: what a person chose; rows that can't be asked are left out.
        options: of the experiment's type; None for the usual ones.
        adapter: by default the newest one that fits, where there is one. One that trains has
            none: it makes its own.

    Raises:
        RagtuneError: it can't begin, with the reason.
    """
    experiment = find_experiment(key)
    options = options or experiment.options()
    asked = exam_jsonl(receive(exam.data, exam.name).questions).encode()
    examples: list[Example] = []
    if experiment.trains:
        check_trainable(lab.checkpoint())
        examples, adapter = to_train_on(list_examples(lab.database)), None
    needed = {method: lab.missing(method, adapter) for method in experiment.methods}
    missing = experiment.missing(needed, examples)
    if missing:
        raise RagtuneError(f"{experiment.title} can't begin yet: {missing}")
    adapter = None if experiment.trains else _adapter(lab, adapter)
    data = to_jsonl(examples).encode()
    with lab.home.lock(_LOCK, _LOCK_SECONDS, _BUSY):
        _check_free(lab.home)
        folder = new_folder(lab.home.experiments, _KIND, None, key)
        try:
            with writing(folder):
                folder.mkdir(parents=True)
            write_bytes(folder / _EXAM, asked)
            if experiment.trains:
                write_bytes(folder / _EXAMPLES, data)
            write_json(
                folder / "experiment.json",
                {
                    "key": key,
                    "exam": exam.name,
                    "adapter": adapter,
                    "options": asdict(options),
                    "conditions": experiment_conditions(lab, asked, adapter, data),
                    "created": time.time(),
                },
            )
            jobs.start(folder, _MODULE)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return read_experiment(folder)


def resume_experiment(home: Home, kept: Kept) -> Kept:
    """Let an experiment go on; what was answered is not asked again.

    Raises:
        RagtuneError: it is complete, was cancelled, or hasn't stopped, or another one is at work.
    """
    with home.lock(_LOCK, _LOCK_SECONDS, _BUSY):
        kept = read_experiment(kept.folder)
        check_can_go_on(kept, _KIND)
        _check_free(home)
        jobs.start(kept.folder, _MODULE)
    return read_experiment(kept.folder)


def delete_experiment(kept: Kept) -> None:
    """Delete an experiment with its answers and its result.

    Raises:
        RagtuneError: it is at work.
    """
    delete(kept, _KIND)


def list_kept(home: Home) -> list[Kept]:
    """Return all experiments that were started, the newest first."""
    return newest_first(home.experiments, "experiment.json", read_experiment)


def find_kept(home: Home, name: str) -> Kept:
    """Return the experiment with this name.

    Raises:
        RagtuneError: there is none.
    """
    return find(list_kept(home), name, _KIND)


def read_experiment(folder: Path) -> Kept:
    """Read an experiment from its folder."""
    result = folder / RESULT
    return Kept(
        name=folder.name,
        folder=folder,
        state=jobs.read(folder),
        result=result_from(read_json(result)) if result.exists() else None,
        **read_json(folder / "experiment.json"),
    )


def as_json(kept: Kept) -> dict[str, Any]:
    """Return an experiment with its result, and every answer, as one document."""
    return {
        "experiment": kept.name,
        "key": kept.key,
        "exam": kept.exam,
        "adapter": kept.adapter,
        "options": kept.options,
        "conditions": kept.conditions,
        "created": kept.created,
        **(as_saved(kept.result) if kept.result else {}),
        "rows": kept.rows(),
    }


def experiment_conditions(
    lab: Lab, exam: bytes, adapter: str | None, examples: bytes = b""
) -> dict[str, Any]:
    """Return all that an experiment's answers depend on; copies of documents are cut anew."""
    columns = [Column("rag"), *([Column("hybrid", adapter)] if adapter is not None else ())]
    cutting = {f"the setting {name}": getattr(lab.settings, name) for name in _CUTTING}
    made = {"the exam": hashlib.sha256(exam).hexdigest()}
    if examples:
        made["the examples"] = hashlib.sha256(examples).hexdigest()
    return conditions(lab, columns) | cutting | made


def check_conditions(lab: Lab, kept: Kept) -> None:
    """Make sure that answers of today fit those that are there.

    Raises:
        RagtuneError: something has changed since it began.
    """
    file = kept.folder / _EXAMPLES
    examples = file.read_bytes() if file.exists() else b""
    exam = (kept.folder / _EXAM).read_bytes()
    now = experiment_conditions(lab, exam, kept.adapter, examples)
    if differing := changed(kept.conditions, now):
        raise RagtuneError(
            f"Since {kept.name} began, this has changed: {', '.join(differing)}. Its answers would "
            "not fit each other; change that back, or start it anew."
        )


def _adapter(lab: Lab, adapter: str | None) -> str | None:
    """Return the adapter's name, so that a newer one doesn't change a paused experiment."""
    if adapter is None and lab.missing("finetuned"):
        return None
    return lab.adapter(adapter).name


def _check_free(home: Home) -> None:
    for kept in list_kept(home):
        if kept.state.active:
            raise RagtuneError(
                f"The experiment {kept.name!r} is at work, and two would slow each other down. "
                "Wait for it, or pause it."
            )
