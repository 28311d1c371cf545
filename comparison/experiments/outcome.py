"""What an answer says where a true and a false one could be given, and how often each is."""

from collections.abc import Sequence
from typing import Any

from comparison.answer import Answer
from comparison.experiments.intervals import wilson
from comparison.metrics import contains

TRUE, FALSE, BOTH, DECLINES, OTHER = OUTCOMES = ("true", "false", "both", "declines", "other")


def outcome(text: str, refused: bool, true: Sequence[str], false: Sequence[str]) -> str:
    """Return which of `OUTCOMES` an answer is.

    Args:
        text: the answer.
        refused: does it decline?
        true: the accepted answers.
        false: the false ones.
    """
    says_true, says_false = bool(contains(text, true)), bool(contains(text, false))
    if says_true and says_false:
        return BOTH
    if says_true or says_false:
        return TRUE if says_true else FALSE
    return DECLINES if refused else OTHER


def was_read(answer: Answer, forms: Sequence[str]) -> bool:
    """Did the model read one of the forms of an answer in a passage?"""
    return any(source.read and contains(source.text, forms) for source in answer.sources)


def count(rows: Sequence[dict[str, Any]], wanted: str) -> int:
    """Return how many rows have an outcome."""
    return sum(row["outcome"] == wanted for row in rows)


def shares(rows: Sequence[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the share of each outcome among rows, with its interval.

    Args:
        rows: answers, each with its outcome.
        names: what is said for each outcome; several may be called the same.
    """
    table = []
    for name in dict.fromkeys(names.values()):
        hits = sum(names[row["outcome"]] == name for row in rows)
        low, high = wilson(hits, len(rows))
        share = hits / len(rows) if rows else 0.0
        table.append(
            {"answer": name, "count": hits, "of": len(rows)}
            | {"share": share, "low": low, "high": high}
        )
    return table
