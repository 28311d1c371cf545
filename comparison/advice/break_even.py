"""What methods cost by the number of questions, and where one becomes the cheaper one."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comparison.advice.figure import Figure
from comparison.advice.measured import Evidence, MethodMeasure
from comparison.advice.use import Use
from comparison.prices import Prices

UNITS = {
    "seconds": "seconds of the machine",
    "watt_hours": "watt-hours",
    "money": "money",
}
"""What a cost can be counted in."""
ONCE = 1 / 12
"""Runs in a month, where one is enough: it is spread over a year."""
RUNS = {"daily": 365.25 / 12, "weekly": 365.25 / 7 / 12, "monthly": 1.0, "yearly": ONCE}
"""Runs in a month that keep fine-tuned weights right, by how often knowledge changes."""
_LAST, _LAST_DRAWN = 1e6, 1e9
"""Questions a month that are drawn at least, and at most."""
_A_DECADE = 10
"""Points drawn for each power of ten."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a method costs."""

    method: str
    question: Figure
    """One answer."""
    run: float
    """One fine-tune; 0 for a method that has none."""
    runs: float
    """In a month."""

    def monthly(self, questions: float) -> float:
        """Return the cost of a month: ``runs · run + questions · question``."""
        return self.runs * self.run + questions * self.question.value


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where two methods cost the same."""

    cheaper_below: str
    """The method that is cheaper with fewer questions; always, where there is no crossover."""
    cheaper_above: str
    questions: float | None
    """In a month; None: never, as the first one costs no more whatever their number."""
    least: float | None
    """The fewest within the intervals of what an answer takes; None: never."""
    most: float | None
    """The most within them; None: perhaps never."""

    def sentence(self, names: Mapping[str, str]) -> str:
        """Say it: "Above about 1,200 questions a month RAG is dearer than fine-tuning …"."""
        below, above = names[self.cheaper_below], names[self.cheaper_above]
        if self.questions is None:
            never = f"Never: {below} costs no more than {above}, however many questions there are"
            if self.least is None:
                return f"{never}."
            return f"{never}; within the intervals perhaps above {self.least:,.0f} a month."
        said = f"Above about {self.questions:,.0f} questions a month {below} is dearer than {above}"
        if self.least == self.most:
            return f"{said}."
        most = "never" if self.most is None else f"{self.most:,.0f}"
        return f"{said} (within the intervals: {self.least:,.0f} to {most})."


def runs_in_a_month(method: str, use: Use) -> float:
    """Return how many fine-tunes a method takes in a month.

    What is only in the weights has to be learned again with every change. Hybrid reads what is
    new in its passages, so that one run is enough.
    """
    if method not in ("finetuned", "hybrid"):
        return 0.0
    return RUNS.get(use.changes, ONCE) if method == "finetuned" else ONCE


def costs(evidence: Evidence, use: Use, prices: Prices, unit: str) -> tuple[Cost, ...]:
    """Return what each method costs in one of `UNITS`, as far as that was measured.

    In money an answer takes its seconds times ``machine_hour / 3600``, or, where tokens have a
    price, its tokens times their prices; a run takes its seconds of the machine. What is built
    once for retrieval takes seconds, and is not counted.
    """
    if unit not in UNITS:
        raise ValueError(f"There is no unit {unit!r}; units: {', '.join(UNITS)}.")
    found = []
    for measure in evidence.methods:
        question = answer_cost(measure, prices, unit)
        runs = runs_in_a_month(measure.method, use)
        run = _run(evidence, prices, unit) if runs else 0.0
        if question is not None and run is not None:
            found.append(Cost(measure.method, question, run, runs))
    return tuple(found)


def answer_cost(measure: MethodMeasure, prices: Prices, unit: str) -> Figure | None:
    """Return what an answer takes in one of `UNITS`; None where that is not known."""
    seconds, hours = measure.mean_seconds, measure.watt_hours
    if unit == "watt_hours":
        return Figure(hours, hours, hours) if hours is not None else None
    if unit == "seconds":
        return seconds
    if prices.by_tokens:
        read, written = measure.prompt_tokens, measure.completion_tokens
        if read is None or written is None:
            return None
        paid = (read * prices.tokens_read + written * prices.tokens_written) / 1e6
        return Figure(paid, paid, paid)
    if seconds is None or not prices.machine_hour:
        return None
    second = prices.machine_hour / 3600
    return Figure(seconds.value * second, seconds.low * second, seconds.high * second)


def crossover(one: Cost, other: Cost) -> Crossover:
    """Return where two methods cost the same.

    With R runs a month of r each and c for an answer, a month of q questions costs R·r + q·c. Both
    cost the same at q = (R₁r₁ - R₂r₂) / (c₂ - c₁). Where that is not above 0, or c₂ = c₁, the
    method whose R·r and c are both not larger is never the dearer one. The interval takes the ends
    of both answers' intervals, all four ways.
    """
    place = _crossing(one, other, one.question.value, other.question.value)
    ways = itertools.product(
        (one.question.low, one.question.high), (other.question.low, other.question.high)
    )
    ends = [_crossing(one, other, first, second) for first, second in ways]
    there = [end for end in (*ends, place) if end is not None]
    first, second = sorted((one, other), key=lambda cost: (cost.monthly(0), cost.question.value))
    return Crossover(
        first.method,
        second.method,
        place,
        min(there, default=None),
        None if None in ends else max(there),
    )


def crossovers(found: Sequence[Cost]) -> list[Crossover]:
    """Return the crossover of every two methods."""
    return [crossover(one, other) for one, other in itertools.combinations(found, 2)]


def assumption(found: Sequence[Cost], names: Mapping[str, str]) -> str:
    """Say how many fine-tunes are counted: "Fine-tunes a month: fine-tuned 4.35, hybrid 0.08."."""
    runs = ", ".join(f"{names[cost.method]} {cost.runs:.2f}" for cost in found if cost.runs)
    return f"Fine-tunes a month: {runs}." if runs else "None of these has a fine-tune."


def left_out(
    evidence: Evidence, use: Use, prices: Prices, unit: str, names: Mapping[str, str]
) -> str:
    """Say which measured methods `costs` leaves out, and why; empty where none is."""
    there = {cost.method for cost in costs(evidence, use, prices, unit)}
    missing = [one for one in evidence.methods if one.method not in there]
    answers = [one for one in missing if answer_cost(one, prices, unit) is None]
    said = (
        (answers, "what an answer takes"),
        ([one for one in missing if one not in answers], "what the fine-tune took"),
    )
    return " ".join(
        f"Left out: {', '.join(names[one.method] for one in some)}; {what} is not known."
        for some, what in said
        if some
    )


def curve(found: Sequence[Cost], places: Sequence[Crossover]) -> list[tuple[str, float, float]]:
    """Return method, questions in a month and their cost, to be drawn on logarithmic axes.

    From ten questions to a million, or further where methods cross there. Costs of 0 are left
    out, as a logarithm has no place for them.
    """
    crossed = [place.questions for place in places if place.questions is not None]
    last = min(_LAST_DRAWN, max([_LAST, *(10 * questions for questions in crossed)]))
    decades = math.ceil(math.log10(last))
    steps = [10 ** (1 + step / _A_DECADE) for step in range((decades - 1) * _A_DECADE + 1)]
    return [
        (cost.method, questions, cost.monthly(questions))
        for cost in found
        for questions in steps
        if cost.monthly(questions) > 0
    ]


def _crossing(one: Cost, other: Cost, first: float, second: float) -> float | None:
    fixed = one.monthly(0) - other.monthly(0)
    if first == second or fixed == 0:
        return None
    place = fixed / (second - first)
    return place if place > 0 else None


def _run(evidence: Evidence, prices: Prices, unit: str) -> float | None:
    run = evidence.run
    if run is None:
        return None
    if unit == "watt_hours":
        return run.watt_hours
    if unit == "seconds":
        return run.seconds
    return run.seconds * prices.machine_hour / 3600 if prices.machine_hour else None
