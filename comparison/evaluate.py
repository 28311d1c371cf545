"""Ask every question of an exam, and score the answers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from comparison.ask import METHODS, ask, check_methods
from comparison.columns import Column
from comparison.exams.exam import ExamQuestion, read_exam
from comparison.lab import Lab
from comparison.options import weigh_options
from comparison.scoring import Row, measures, score
from finetune_backend.runs import trained_facts
from workbench.energy import Meter
from workbench.errors import RagtuneError
from workbench.language_models.engine import Engine


def evaluate(
    lab: Lab,
    exam: Path,
    methods: Sequence[str] = METHODS,
    adapter: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Run an exam in this process and return its result; `comparison.evaluation` keeps one.

    Latency is one of the measures, so every method is asked alone.

    Args:
        lab: where documents, adapters and the model are.
        exam: a JSONL file; see `comparison.exams.exam.read_exam`.
        methods: some of `comparison.ask.METHODS`.
        adapter: as for `comparison.ask.ask`.
        progress: called with the number of questions done and of all.

    Raises:
        RagtuneError: the exam can't be read, or a method can't answer.
    """
    questions = read_exam(exam)
    columns = [
        Column(method, adapter if method in ("finetuned", "hybrid") else None)
        for method in check_methods(methods)
    ]
    examiner = Examiner(lab, columns)
    rows: list[Row] = []
    for number, question in enumerate(questions, start=1):
        rows.extend(examiner.row(question, column) for column in columns)
        if progress:
            progress(number, len(questions))
    return {
        "exam": exam.name,
        "questions": len(questions),
        "methods": {
            column.method: measures([row for row in rows if row["method"] == column.method])
            for column in columns
        },
        "rows": rows,
    }


class Examiner:
    """Asks an exam's questions, with one engine from the first to the last."""

    def __init__(self, lab: Lab, columns: Sequence[Column]) -> None:
        """Load the engine, and what the columns' adapters learned.

        Raises:
            RagtuneError: a column's method is not ready.
        """
        check_ready(lab, columns)
        self._lab = lab
        self._facts = {column: _facts(lab, column) for column in columns}
        # A faster one may become ready while this one answers.
        self._engine: Engine = lab.engine()

    def row(self, question: ExamQuestion, column: Column) -> Row:
        """Ask one method one question, alone, and score the answer.

        Options are weighed afterwards: neither the answer's time nor its watt-hours hold that.

        Raises:
            RagtuneError: it could not answer.
        """
        meter = Meter()
        (answer,) = (
            one
            for one in ask(
                self._lab,
                question.question,
                [column.method],
                column.adapter,
                alone=True,
                engine=self._engine,
            )
            if one.done
        )
        if answer.error:
            raise RagtuneError(answer.error)
        used = {"watt_hours": meter.watt_hours()}
        facts, trained = self._facts[column], None
        if facts is not None and question.fact is not None:
            trained = question.fact in facts
        tuned = None
        if question.options and answer.adapter is not None:
            tuned = self._lab.adapter(answer.adapter).reference
        weighed = weigh_options(question, answer, self._engine, tuned)
        return score(question, answer, trained) | weighed | used


def check_ready(lab: Lab, columns: Sequence[Column]) -> None:
    """Make sure that every column can answer.

    Raises:
        RagtuneError: one can't; with what it needs.
    """
    for column in columns:
        missing = lab.missing(column.method, column.adapter)
        if missing:
            raise RagtuneError(f"{column.label} can't answer yet: {missing}")


def _facts(lab: Lab, column: Column) -> set[str] | None:
    """Return the facts that a column's adapter was trained on; None where that is not known."""
    if column.method not in ("finetuned", "hybrid"):
        return None
    run = lab.adapter(column.adapter).run
    return trained_facts(run) if run and not run.imported else None
