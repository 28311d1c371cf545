"""What an evaluation can be made of: the exams there are, and the columns that can answer."""

from collections.abc import Sequence
from statistics import mean

from comparison.ask import METHODS
from comparison.columns import Column
from comparison.evaluation.kept import Evaluation
from comparison.evaluation.rows import read_rows
from comparison.lab import Lab


def column_choices(lab: Lab) -> tuple[list[Column], dict[str, str]]:
    """Return the columns that can answer now, and what the other methods still need.

    The first column of each method is the one to choose by default: the newest adapter's.
    """
    unready = lab.missing("base")  # where a server can't be reached, it is asked once
    if unready:
        return [], dict.fromkeys(METHODS, unready)
    ready, missing = list[Column](), dict[str, str]()
    for method in METHODS:
        columns = [Column(method)]
        if method in ("finetuned", "hybrid"):
            # Of a server's models none is the newest, but each that is named can answer.
            columns = [Column(method, one.name) for one in lab.adapters()] or columns
        needs = lab.missing(method, columns[0].adapter)
        if needs:
            missing[method] = needs
        else:
            ready += columns
    return ready, missing


def seconds_per_answer(evaluations: Sequence[Evaluation]) -> float | None:
    """Return how long an answer took on average, in the first of them that has answers."""
    for one in evaluations:
        rows = read_rows(one.folder)
        if rows:
            return float(mean(row["latency_ms"] for row in rows)) / 1000
    return None
