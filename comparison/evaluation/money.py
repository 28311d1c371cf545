"""What a thousand questions cost in each column of an evaluation."""

from dataclasses import replace

from comparison.advice.break_even import answer_cost
from comparison.advice.figure import mean_of
from comparison.advice.measured import MethodMeasure
from comparison.evaluation.results import Results
from comparison.prices import Prices
from comparison.statistics.interval import Interval

MONEY = "money_per_1000"
"""The metric's name; see `comparison.metrics.METRICS`."""
_QUESTIONS = 1000


def priced(found: Results, prices: Prices) -> Results:
    """Return results with `MONEY` among the figures of each column, counted as Advise counts it.

    Args:
        found: an evaluation's results.
        prices: where they are not known, the results stay as they are.
    """
    if prices == Prices():
        return found
    measures, intervals = dict(found.measures), dict(found.intervals)
    for label, own in found.measures.items():
        rows = [row for row in found.rows if row["column"] == label]
        taken = MethodMeasure(
            rows[0]["method"],
            len(rows),
            mean_seconds=mean_of([row["latency_ms"] / 1000 for row in rows]),
            prompt_tokens=own["prompt_tokens"],
            completion_tokens=own["completion_tokens"],
        )
        cost = answer_cost(taken, prices, "money")
        if cost is not None:
            thousand = Interval(*(_QUESTIONS * one for one in (cost.value, cost.low, cost.high)))
            measures[label] = own | {MONEY: thousand.value}
            intervals[label] = intervals[label] | {MONEY: thousand}
    return replace(found, measures=measures, intervals=intervals)
