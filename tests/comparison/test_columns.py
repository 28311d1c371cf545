"""Columns: methods, each with the adapters that were named."""

import pytest

from comparison.columns import METHODS, Column, as_columns, columns_of
from workbench.errors import RagtuneError


def test_a_method_with_an_adapter_has_a_column_for_each():
    made = columns_of(["hybrid", "rag", "finetuned", "rag"], ["one", "two", "one"])
    assert [column.label for column in made] == [
        "rag",
        "finetuned · one",
        "finetuned · two",
        "hybrid · one",
        "hybrid · two",
    ]
    assert made[1].title == "Fine-tuned · one"
    beside = Column("base", None, "/models/large")
    assert (beside.title, beside.label) == ("Base · large", "base · /models/large")


def test_methods_become_columns_and_columns_stay():
    assert as_columns(METHODS, "one") == (
        Column("base"),
        Column("rag"),
        Column("finetuned", "one"),
        Column("hybrid", "one"),
    )
    chosen = [Column("hybrid", "two"), Column("base"), Column("hybrid", "two")]
    assert as_columns(chosen) == (Column("hybrid", "two"), Column("base"))


@pytest.mark.parametrize("chosen", [[], ["oracle"], [Column("oracle")], [Column("rag"), ""]])
def test_what_is_no_method_is_refused(chosen):
    with pytest.raises(RagtuneError, match="some of base, rag, finetuned, hybrid were expected"):
        as_columns(chosen)
