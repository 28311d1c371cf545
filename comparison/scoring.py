"""Answers scored: a row for each, and from the rows each metric with its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from comparison import metrics
from comparison.answer import Answer
from comparison.exams.exam import ExamQuestion
from comparison.ranking import ndcg, recall_at, reciprocal_rank
from comparison.statistics.bootstrap import mean_interval
from comparison.statistics.interval import Interval
from comparison.statistics.quantile import quantile_interval
from comparison.statistics.share import share_interval

Row = dict[str, Any]
"""One scored answer, as it is kept and printed."""


def score(asked: ExamQuestion, answer: Answer, trained: bool | None) -> Row:
    """Score an answer to an exam's question.

    Args:
        asked: the question.
        answer: a finished one.
        trained: was the question's fact in the adapter's training set? None where that is not
            known.
    """
    text, accepted = answer.text, asked.answers
    row: Row = {
        "question": asked.question,
        "method": answer.method,
        "adapter": answer.adapter,
        "answer": text,
        "expected": list(accepted),
        "unanswerable": asked.unanswerable,
        "pool": asked.pool,
        "options": list(asked.options),
        "right": _right(asked, answer),
        "exact_match": metrics.exact_match(text, accepted) if accepted else None,
        "f1": metrics.f1(text, accepted) if accepted else None,
        "contains": metrics.contains(text, accepted) if accepted else None,
        "token_recall": metrics.token_recall(text, accepted) if accepted else None,
        "number_match": metrics.number_match(text, accepted),
        "form_kept": asked.form.kept_by(text) if asked.form else None,
        "refused": answer.refused,
        "empty": not text,
        "repeating": metrics.repeats(text),
        "groundedness": answer.groundedness,
        "trained": trained,
        "fact": asked.fact,
        "document": asked.document,
        "latency_ms": answer.timings_ms.total,
        "timings_ms": answer.timings_ms.phases() | {"first_token": answer.timings_ms.first_token},
        "tokens": asdict(answer.tokens),
        "fingerprint": asdict(answer.fingerprint),
    }
    return row | _found(asked, answer)


def _right(asked: ExamQuestion, answer: Answer) -> bool:
    if asked.unanswerable:
        return answer.refused
    if asked.options:
        return bool(metrics.exact_match(answer.text, asked.answers))
    if asked.answers:
        return bool(metrics.contains(answer.text, asked.answers))
    return asked.form is not None and asked.form.kept_by(answer.text)


def _found(asked: ExamQuestion, answer: Answer) -> Row:
    """Say where the search put what was right; None where that has no meaning."""
    searched = answer.fingerprint.retriever != "none"
    documents = list(dict.fromkeys(source.document for source in answer.sources))
    row: Row = {
        "retrieved": [source.document for source in answer.sources],
        "sources": [
            {"document": one.document, "page": one.page, "read": one.read, "text": one.text}
            for one in answer.sources
            if one.read
        ],
        **dict.fromkeys(("hit", "hit_at_1", "reciprocal_rank", "ndcg", "passage_reciprocal_rank")),
    }
    if searched and asked.document is not None:
        right = {asked.document}
        row["hit"] = asked.document in documents
        row["hit_at_1"] = recall_at(documents, right, 1)
        row["reciprocal_rank"] = reciprocal_rank(documents, right)
        row["ndcg"] = ndcg(documents, {asked.document: 1.0})
    if searched and asked.answers:
        places = [str(place) for place in range(len(answer.sources))]
        holding = {
            place
            for place, source in zip(places, answer.sources, strict=True)
            if metrics.contains(source.text, asked.answers)
        }
        row["passage_reciprocal_rank"] = reciprocal_rank(places, holding)
    return row


def _every(row: Row) -> bool:
    return True


def _answerable(row: Row) -> bool:
    return bool(row["expected"])


def _of(name: str, counts: Callable[[Row], bool] = _every) -> Callable[[Row], Any]:
    return lambda row: row[name] if counts(row) else None


_VALUES: Mapping[str, Callable[[Row], Any]] = {
    "right": _of("right"),
    "exact_match": _of("exact_match"),
    "f1": _of("f1"),
    "contains": _of("contains"),
    "token_recall": _of("token_recall"),
    "number_match": _of("number_match"),
    "accuracy": _of("exact_match", lambda row: bool(row["options"])),
    "option_accuracy": lambda row: row.get("option_right"),  # earlier versions weighed none
    "option_accuracy_per_token": lambda row: row.get("option_right_per_token"),
    "form_kept": _of("form_kept"),
    "contains_trained": _of("contains", lambda row: row["trained"] is True),
    "contains_untrained": _of("contains", lambda row: row["trained"] is False),
    "answered": lambda row: not row["refused"] if _answerable(row) else None,
    "refused_unanswerable": _of("refused", lambda row: bool(row["unanswerable"])),
    "refusal_precision": _of("unanswerable", lambda row: bool(row["refused"])),
    "groundedness": _of("groundedness"),
    "hit_at_k": _of("hit", _answerable),
    "hit_at_1": _of("hit_at_1", _answerable),
    "reciprocal_rank": _of("reciprocal_rank", _answerable),
    "ndcg": _of("ndcg", _answerable),
    "passage_reciprocal_rank": _of("passage_reciprocal_rank"),
    "empty": _of("empty"),
    "repeating": _of("repeating"),
}
"""What each metric is the mean of; rows without a value don't count."""
_ALWAYS = ("exact_match", "f1", "contains", "answered", "refused_unanswerable")
"""Told as None where no row has a value; the others are left out then."""


def values(rows: Sequence[Row], metric: str) -> list[float]:
    """Return what a metric is the mean of."""
    return [float(value) for row in rows if (value := _VALUES[metric](row)) is not None]


def measures(rows: Sequence[Row]) -> dict[str, Any]:
    """Return every metric of a method's rows; see `comparison.metrics.METRICS` for meanings.

    Args:
        rows: those of one method; at least one.
    """
    made: dict[str, Any] = {}
    for metric in _VALUES:
        counted = values(rows, metric)
        if counted or metric in _ALWAYS:
            made[metric] = sum(counted) / len(counted) if counted else None
    classified = [row for row in rows if row["options"]]
    if classified:
        made["macro_f1"] = metrics.macro_f1(
            [(row["answer"], row["expected"][0]) for row in classified]
        )
    latencies = [row["latency_ms"] for row in rows]
    made["latency_ms"] = {f"p{p}": metrics.percentile(latencies, p) for p in (50, 95, 99)}
    made["first_token_ms"] = metrics.percentile(
        [row["timings_ms"]["first_token"] for row in rows], 50
    )
    for kind in ("prompt", "completion"):
        made[f"{kind}_tokens"] = sum(row["tokens"][kind] for row in rows) / len(rows)
    used = [row["watt_hours"] for row in rows if row.get("watt_hours") is not None]
    if used:
        made["watt_hours"] = sum(used) / len(used)
    return made


def intervals(rows: Sequence[Row]) -> dict[str, Interval]:
    """Return the metrics that are means over questions, and the median latency, with intervals.

    Args:
        rows: those of one method; at least one.
    """
    means = {metric: _interval(counted) for metric in _VALUES if (counted := values(rows, metric))}
    return means | {"latency_ms": quantile_interval([row["latency_ms"] for row in rows])}


def _interval(counted: Sequence[float]) -> Interval:
    if set(counted) <= {0.0, 1.0}:
        return share_interval(int(sum(counted)), len(counted))
    return mean_interval(counted)
