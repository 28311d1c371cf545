"""Costs and crossovers, beside cases worked out by hand."""

import pytest
from made_rows import made_rows

from comparison.advice.break_even import (
    Cost,
    costs,
    crossover,
    crossovers,
    curve,
    left_out,
)
from comparison.advice.figure import Figure
from comparison.advice.measured import RunMeasure, evidence_from_rows
from comparison.advice.rules import MEASURED_NAMES
from comparison.advice.use import Use
from comparison.prices import Prices
from workbench.errors import RagtuneError


def cost(method, question, run=0.0, runs=0.0, way=0.0):
    return Cost(method, Figure(question, question - way, question + way), run, runs)


def test_the_crossover_is_where_both_cost_the_same():
    # RAG: 2 s an answer. Fine-tuning: 1 s, and an hour every month. 3600 + q = 2 q.
    rag, tuned = cost("rag", 2.0), cost("finetuned", 1.0, run=3600, runs=1)
    place = crossover(rag, tuned)
    assert place.questions == 3600 and rag.monthly(3600) == tuned.monthly(3600) == 7200
    assert (place.cheaper_below, place.cheaper_above) == ("rag", "finetuned")
    assert (place.least, place.most) == (3600, 3600)
    assert crossover(tuned, rag) == place
    assert place.sentence(MEASURED_NAMES) == (
        "Above about 3,600 questions a month RAG is dearer than fine-tuned."
    )


def test_there_is_none_where_the_one_with_runs_is_slower_too():
    rag, tuned = cost("rag", 1.0), cost("finetuned", 1.5, run=3600, runs=1)
    place = crossover(tuned, rag)
    assert (place.cheaper_below, place.questions, place.least) == ("rag", None, None)
    assert place.sentence(MEASURED_NAMES).startswith("Never: RAG costs no more than fine-tuned")
    base = crossover(cost("rag", 2.0), cost("base", 1.0))
    assert (base.cheaper_below, base.questions) == ("base", None)
    same = crossover(cost("rag", 2.0), cost("base", 2.0))
    assert (same.questions, same.least, same.most) == (None, None, None)


def test_its_interval_comes_from_the_intervals_of_the_answers():
    # Differences of 2 − 1 ± ½ each: 0, 1, 1 and 2 s; an hour divided by them.
    rag, tuned = cost("rag", 2.0, way=0.5), cost("finetuned", 1.0, 3600, 1, way=0.5)
    place = crossover(rag, tuned)
    assert (place.questions, place.least, place.most) == (3600, 1800, None)
    assert "1,800 to never" in place.sentence(MEASURED_NAMES)
    close = crossover(cost("rag", 1.0, way=0.5), cost("finetuned", 1.25, 3600, 1))
    assert (close.questions, close.least, close.most) == (None, 14400, None)
    assert "perhaps above 14,400 a month" in close.sentence(MEASURED_NAMES)


def test_runs_follow_from_how_often_knowledge_changes():
    rows = made_rows("rag", 1, 2, seconds=2.0) + made_rows("finetuned", 1, 2)
    rows += made_rows("hybrid", 1, 2)
    evidence = evidence_from_rows(rows, RunMeasure("one", 1200.0))
    for changes, runs in (
        ("daily", 30.4375),
        ("weekly", 4.348214),
        ("monthly", 1.0),
        ("yearly", 1 / 12),
        ("never", 1 / 12),
        ("unknown", 1 / 12),
    ):
        rag, tuned, both = costs(evidence, Use(changes=changes), Prices(), "seconds")
        assert tuned.runs == pytest.approx(runs) and both.runs == pytest.approx(1 / 12)
        assert rag.monthly(1000) == 2000 and tuned.monthly(0) == pytest.approx(1200 * runs)


def test_money_is_seconds_or_tokens_times_their_price():
    tokens = {"prompt": 500, "completion": 20}
    rows = made_rows("rag", 1, 2, seconds=2.0, tokens=tokens) + made_rows("finetuned", 1, 2)
    evidence = evidence_from_rows(rows, RunMeasure("one", 3600.0))
    assert costs(evidence, Use(), Prices(), "money") == ()
    rag, tuned = costs(evidence, Use(), Prices(machine_hour=3.6), "money")
    assert (rag.question.value, tuned.question.value) == pytest.approx((0.002, 0.001))
    assert (rag.run, tuned.run) == pytest.approx((0.0, 3.6))
    # Without its tokens, fine-tuning has no price.
    (rag,) = costs(evidence, Use(), Prices(3.6, 2.0, 10.0), "money")
    assert rag.question.value == pytest.approx(0.0012)


def test_what_has_no_cost_is_named():
    rows = made_rows("rag", 1, 2) + made_rows("finetuned", 1, 2) + made_rows("hybrid", 1, 2)
    with_run = evidence_from_rows(rows, RunMeasure("one", 60.0))
    assert left_out(with_run, Use(), Prices(), "seconds", MEASURED_NAMES) == ""
    assert left_out(evidence_from_rows(rows), Use(), Prices(), "seconds", MEASURED_NAMES) == (
        "Left out: fine-tuned, hybrid; what the fine-tune took is not known."
    )
    by_tokens = left_out(with_run, Use(), Prices(tokens_read=1.0), "money", MEASURED_NAMES)
    assert by_tokens.startswith("Left out: RAG, fine-tuned, hybrid; what an answer takes is not")


def test_energy_is_counted_where_all_of_it_was_measured():
    rows = made_rows("rag", 1, 2, watt_hours=0.5) + made_rows("finetuned", 1, 2, watt_hours=0.25)
    without = evidence_from_rows(rows, RunMeasure("one", 60.0))
    assert [c.method for c in costs(without, Use(), Prices(), "watt_hours")] == ["rag"]
    evidence = evidence_from_rows(rows, RunMeasure("one", 60.0, watt_hours=30.0))
    found = costs(evidence, Use(changes="monthly"), Prices(), "watt_hours")
    assert [place.questions for place in crossovers(found)] == [120]
    with pytest.raises(ValueError, match="units: seconds, watt_hours, money"):
        costs(evidence, Use(), Prices(), "calories")


def test_the_curve_goes_beyond_the_crossover():
    found = [cost("rag", 2.0), cost("finetuned", 1.999, 3600, 1), cost("base", 0.0)]
    points = curve(found, crossovers(found[:2]))  # at 3.6 million
    assert {method for method, _, _ in points} == {"rag", "finetuned"}
    assert points[0] == ("rag", 10, 20) and max(q for _, q, _ in points) == pytest.approx(1e8)


def test_prices_are_checked():
    with pytest.raises(RagtuneError, match="machine_hour is -1"):
        Prices(machine_hour=-1.0)
