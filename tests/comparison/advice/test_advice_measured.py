"""Rows of evaluations become measures; what is no row is refused with its number."""

import pytest
from made_rows import made_rows

from comparison.advice.measured import evidence_from_rows
from workbench.errors import RagtuneError


def test_rows_are_measured_by_method():
    rows = made_rows("rag", 6, 8, seconds=2.0, unanswerable=4, declined=3)
    rows += made_rows("base", 0, 8, tokens={"prompt": 40, "completion": 10})
    evidence = evidence_from_rows(rows, name="exam")
    assert [one.method for one in evidence.methods] == ["base", "rag"]
    rag, base = evidence.of("rag"), evidence.of("base")
    assert (rag.questions, rag.right.value, rag.declined_rightly.value) == (12, 0.75, 0.75)
    assert rag.declined_wrongly.value == 0.0
    assert (rag.p50_seconds.value, rag.p95_seconds.value, rag.mean_seconds.value) == (2.0,) * 3
    assert rag.prompt_tokens is None and (base.prompt_tokens, base.completion_tokens) == (40, 10)
    assert base.declined_rightly is None and base.form_kept is None and base.grounded is None
    assert evidence.of("hybrid") is None


def test_what_was_trained_is_told_of_every_method():
    rows = made_rows("rag", 6, 8) + made_rows("finetuned", 4, 8, trained=4, adapter="one")
    evidence = evidence_from_rows(rows)
    trained = {m: f.value for m, f in evidence.figures("right_trained").items()}
    other = {m: f.value for m, f in evidence.figures("right_untrained").items()}
    assert trained == {"rag": 1.0, "finetuned": 1.0}
    assert other == {"rag": 0.5, "finetuned": 0.0}


def test_an_answer_given_again_counts_once_and_adapters_are_not_mixed():
    rows = made_rows("rag", 0, 4) + made_rows("rag", 1, 1)
    assert evidence_from_rows(rows).of("rag").right.value == 0.25
    rows = made_rows("finetuned", 3, 4, adapter="one") + made_rows("finetuned", 0, 4, adapter="two")
    measure = evidence_from_rows(rows).of("finetuned")
    assert (measure.adapter, measure.questions, measure.right.value) == ("one", 4, 0.75)


def test_a_label_is_right_where_the_row_says_so():
    rows = [row | {"right": False} for row in made_rows("base", 4, 4)]
    assert evidence_from_rows(rows).of("base").right.value == 0.0


def test_rows_of_a_form_and_of_support_are_measured():
    rows = made_rows("rag", 2, 4, form_kept=True, groundedness=0.5, watt_hours=0.25)
    measure = evidence_from_rows(rows).of("rag")
    assert (measure.form_kept.value, measure.grounded.value, measure.watt_hours) == (1, 0.5, 0.25)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"question": 3}, "no question"),
        ({"method": "magic"}, "method 'magic'; one of base, rag"),
        ({"contains": "1"}, "contains '1'"),
        ({"contains": 1.5}, "contains 1.5"),
        ({"latency_ms": float("nan")}, "latency_ms nan"),
        ({"latency_ms": float("inf")}, "latency_ms inf"),
        ({"latency_ms": -1}, "latency_ms -1"),
        ({"refused": "no"}, "refused 'no'"),
        ({"tokens": 7}, "tokens 7"),
        ({"tokens": {"prompt": "many"}}, "prompt 'many'"),
        ({"adapter": ["one"]}, "adapter"),
    ],
)
def test_what_is_no_row_is_refused(broken, told):
    rows = made_rows("rag", 1, 2)
    rows[1] |= broken
    with pytest.raises(RagtuneError, match="Row 2 of the evaluation has") as raised:
        evidence_from_rows(rows)
    assert told in str(raised.value)


def test_a_row_that_is_no_object_is_refused():
    with pytest.raises(RagtuneError, match="Row 1 of the evaluation has no question"):
        evidence_from_rows(["rag"])
