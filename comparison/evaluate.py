"""Ask every question of an exam, and score the answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from comparison import metrics
from comparison.answer import Answer
from comparison.ask import METHODS, ask, check_methods
from comparison.exams.exam import ExamQuestion, read_exam
from comparison.lab import Lab
from finetune_backend.runs import trained_facts
from workbench.errors import RagtuneError


@dataclass(frozen=True, slots=True)
class Row:
    """One answer to one exam question, scored."""

    asked: ExamQuestion
    answer: Answer
    trained: bool | None
    """Was the fact in the adapter's training set? None where that is not known."""

    @property
    def hit(self) -> bool | None:
        """Was the right document among those retrieved? None where that has no meaning."""
        if self.asked.document is None or self.answer.fingerprint.retriever == "none":
            return None
        return any(source.document == self.asked.document for source in self.answer.sources)


def evaluate(
    lab: Lab,
    exam: Path,
    methods: Sequence[str] = METHODS,
    adapter: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Run an exam and return its result as the command line prints it.

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
    methods = check_methods(methods)
    facts = None
    if "finetuned" in methods or "hybrid" in methods:
        run = lab.adapter(adapter).run
        facts = trained_facts(run) if run and not run.imported else None
    engine = lab.engine()  # a faster one may become ready while this one answers
    rows: list[Row] = []
    for number, question in enumerate(questions, start=1):
        for answer in ask(lab, question.question, methods, adapter, alone=True, engine=engine):
            if answer.error:
                raise RagtuneError(answer.error)
            if answer.done:
                trained = None
                if facts is not None and question.fact is not None and answer.adapter:
                    trained = question.fact in facts
                rows.append(Row(question, answer, trained))
        if progress:
            progress(number, len(questions))
    return {
        "exam": exam.name,
        "questions": len(questions),
        "methods": {
            method: _measures([row for row in rows if row.answer.method == method])
            for method in methods
        },
        "rows": [_as_json(row) for row in rows],
    }


def _measures(rows: Sequence[Row]) -> dict[str, Any]:
    answerable = [row for row in rows if row.asked.answers]
    classified = [row for row in answerable if row.asked.options]
    formed = [(row.answer.text, row.asked.form) for row in rows if row.asked.form]
    unanswerable = [row for row in rows if row.asked.unanswerable]
    latencies = sorted(row.answer.timings_ms.total for row in rows)
    measures: dict[str, Any] = {
        "exact_match": _mean(_score(row, metrics.exact_match) for row in answerable),
        "f1": _mean(_score(row, metrics.f1) for row in answerable),
        "contains": _mean(_score(row, metrics.contains) for row in answerable),
        "answered": _mean(float(not row.answer.refused) for row in answerable),
        "refused_unanswerable": _mean(float(row.answer.refused) for row in unanswerable),
        "latency_ms": {"p50": _percentile(latencies, 50), "p95": _percentile(latencies, 95)},
    }
    hits = [row.hit for row in answerable if row.hit is not None]
    if hits:
        measures["hit_at_k"] = _mean(map(float, hits))
    if classified:
        measures["accuracy"] = _mean(_score(row, metrics.exact_match) for row in classified)
        measures["macro_f1"] = metrics.macro_f1(
            [(row.answer.text, row.asked.answers[0]) for row in classified]
        )
    if formed:
        measures["form_kept"] = _mean(float(form.kept_by(text)) for text, form in formed)
    for name, wanted in (("contains_trained", True), ("contains_untrained", False)):
        group = [row for row in answerable if row.trained is wanted]
        if group:
            measures[name] = _mean(_score(row, metrics.contains) for row in group)
    return measures


def _as_json(row: Row) -> dict[str, Any]:
    scored, form = bool(row.asked.answers), row.asked.form
    return {
        "question": row.asked.question,
        "method": row.answer.method,
        "answer": row.answer.text,
        "expected": list(row.asked.answers),
        "unanswerable": row.asked.unanswerable,
        "exact_match": _score(row, metrics.exact_match) if scored else None,
        "f1": _score(row, metrics.f1) if scored else None,
        "contains": _score(row, metrics.contains) if scored else None,
        "form_kept": form.kept_by(row.answer.text) if form else None,
        "refused": row.answer.refused,
        "hit": row.hit,
        "trained": row.trained,
        "document": row.asked.document,
        "retrieved": [source.document for source in row.answer.sources],
        "latency_ms": row.answer.timings_ms.total,
    }


def _score(row: Row, metric: Callable[[str, Sequence[str]], float]) -> float:
    return metric(row.answer.text, row.asked.answers)


def _mean(values: Any) -> float | None:
    listed = list(values)
    return mean(listed) if listed else None


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of an ordered, non-empty sequence."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
