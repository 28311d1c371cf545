"""The figures of a report: metrics with intervals and meaning, a chart, cost and latency."""

from collections.abc import Mapping, Sequence
from statistics import mean

from comparison.evaluation.money import MONEY
from comparison.evaluation.results import Results
from comparison.metrics import METRICS, Metric
from comparison.report.blocks import Block, Chart, Points, Section, Table, milliseconds, percent
from comparison.scoring import Row
from finetune_backend.runs import Run

_COSTS = (
    *("latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens", "watt_hours"),
    MONEY,
)
_PHASES = {
    "queue": "waiting for a place at the engine",
    "search": "searching",
    "rerank": "reranking",
    "verify": "verifying",
    "read": "reading the prompt",
    "write": "writing the answer",
}


def metrics(found: Results) -> Section:
    """Return every metric of every column, and a chart of the one that verdicts are about."""
    labels = tuple(found.measures)
    shown = [
        metric
        for metric in METRICS
        if metric.name not in _COSTS and any(metric.name in own for own in found.measures.values())
    ]
    rows = tuple(
        (metric.name, *(_cell(found, label, metric.name) for label in labels), _meaning(metric))
        for metric in shown
    )
    blocks: list[Block] = [
        Points(("In brackets: the 95 % interval for other questions like these.",)),
        Table(("metric", *labels, "meaning"), rows),
        _chart("Share of the questions answered rightly", found, "right", share=True),
    ]
    if found.pools:
        blocks.append(_pools(found, labels))
    return Section("Metrics", tuple(blocks))


def _pools(found: Results, labels: tuple[str, ...]) -> Table:
    rows = tuple(
        (
            pool.meaning,
            f"{pool.questions:,}",
            *(percent(own) if (own := pool.right.get(one)) else "–" for one in labels),
        )
        for pool in found.pools
    )
    return Table(("pool", "questions", *labels), rows, "Answered rightly in each pool")


def cost(found: Results, runs: Mapping[str, Run]) -> Section:
    """Return what an answer takes, and what the fine-tunes took.

    Args:
        found: the evaluation's results.
        runs: the fine-tunes of its adapters, by name.
    """
    labels, measured = tuple(found.measures), found.measures
    by_label = {label: [r for r in found.rows if r["column"] == label] for label in labels}
    rows = [
        (
            "median latency",
            *(milliseconds(found.intervals[one]["latency_ms"]) for one in labels),
        ),
        *(
            (f"{part} latency", *(_ms(measured[one]["latency_ms"][part]) for one in labels))
            for part in ("p95", "p99")
        ),
        ("median, first word", *(_ms(measured[one]["first_token_ms"]) for one in labels)),
        *(
            (f"mean, {said}", *(_ms(_mean(by_label[label], phase)) for label in labels))
            for phase, said in _PHASES.items()
        ),
        *(
            (f"mean tokens, {kind}", *(f"{measured[one][f'{kind}_tokens']:.1f}" for one in labels))
            for kind in ("prompt", "completion")
        ),
        ("all answers together", *(f"{_total(by_label[one]) / 1000:,.1f} s" for one in labels)),
        ("watt-hours of all answers", *(_watt_hours(by_label[one]) for one in labels)),
    ]
    if any(MONEY in own for own in measured.values()):
        rows.append(("money, a thousand questions", *(_money(found, one) for one in labels)))
    blocks: list[Block] = [
        Points(("Every answer was asked for alone, so that no other took time from it.",)),
        Table(("", *labels), tuple(rows)),
        _chart("Median latency, ms", found, "latency_ms", share=False),
    ]
    trained = [run for run in runs.values() if run.measures]
    if trained:
        blocks.append(
            Table(
                ("adapter", "examples", "facts", "seconds", "peak memory, GB"),
                tuple(map(_training, trained)),
                "What the fine-tunes took",
            )
        )
    return Section("Cost and latency", tuple(blocks))


def _training(run: Run) -> tuple[str, ...]:
    measures = run.measures or {}
    taken = (measures.get("seconds"), measures.get("peak_memory_gb"))
    known = ("–", "–") if run.imported else (f"{run.examples:,}", f"{run.facts:,}")
    return (run.name, *known, *("–" if one is None else f"{one:,.1f}" for one in taken))


def _ms(value: float) -> str:
    return f"{value:,.0f} ms"


def _mean(rows: Sequence[Row], phase: str) -> float:
    return float(mean(row["timings_ms"][phase] for row in rows))


def _watt_hours(rows: Sequence[Row]) -> str:
    known = [row["watt_hours"] for row in rows if row.get("watt_hours") is not None]
    return f"{sum(known):.3g}" if len(known) == len(rows) else "not counted on this machine"


def _money(found: Results, label: str) -> str:
    cost = found.intervals[label].get(MONEY)
    return f"{cost.value:,.4g} ({cost.low:,.4g} to {cost.high:,.4g})" if cost else "–"


def _total(rows: Sequence[Row]) -> float:
    return float(sum(row["latency_ms"] for row in rows))


def _cell(found: Results, label: str, metric: str) -> str:
    value, interval = found.measures[label].get(metric), found.intervals[label].get(metric)
    if interval is not None:
        return percent(interval)
    return "–" if value is None else f"{value:.1%}"


def _meaning(metric: Metric) -> str:
    return f"{metric.meaning} {metric.better.capitalize()} is better."


def _chart(said: str, found: Results, metric: str, share: bool) -> Chart:
    bars = tuple((label, own[metric]) for label, own in found.intervals.items())
    return Chart(said, bars, share)
