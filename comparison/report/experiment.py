"""A report of an experiment: its finding, its figures and numbers, and how it was made."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from typing import Any

from comparison.experiments.experiment import Figure, Result
from comparison.experiments.kept import Kept
from comparison.experiments.listed import find_experiment
from comparison.report.blocks import Block, Chart, Commands, Points, Report, Section, Table, number
from comparison.report.origin import model_of
from comparison.statistics.interval import Interval
from workbench.errors import RagtuneError

SHARES = ("share", "low", "high")
"""Columns that are shares, from 0 to 1."""


def experiment_report(kept: Kept, made: date) -> Report:
    """Return a report of an experiment.

    Args:
        kept: one that has found something.
        made: the day that the report gives; all else follows from the experiment.

    Raises:
        RagtuneError: it has no result yet.
    """
    if kept.result is None:
        raise RagtuneError(
            f"The experiment {kept.name!r} isn't complete, so that there is nothing to report. Let "
            f"it go on first: ragtune experiment --resume {kept.name}"
        )
    asked = find_experiment(kept.key)
    return Report(
        f"{asked.title}: {asked.question}",
        f"Experiment {kept.name}, reported on {made.isoformat()} by Ragtune {version('ragtune')}.",
        (_finding(kept.result), *_changes(kept.result), _origin(kept)),
    )


def occurring(table: Sequence[dict[str, Any]], figure: Figure) -> list[dict[str, Any]]:
    """Return the rows that a figure draws: of bars, those of what occurs at all."""
    if figure.form != "bars":
        return list(table)
    occurs = {row[figure.colour] for row in table if row[figure.value]}
    return [row for row in table if row[figure.colour] in occurs]


def heading(name: str) -> str:
    """Return a column's name as it is shown."""
    return name.replace("_", " ").capitalize()


def made_with(kept: Kept) -> dict[str, str]:
    """Return the settings and hashes that an experiment was made with."""
    made = {"exam": kept.exam, "adapter": kept.adapter or "none"} | kept.options | kept.conditions
    if "the model" in made:
        made["the model"] = " ".join(model_of(made))
    return {name: " ".join(str(value).split()) for name, value in made.items()}


def _finding(result: Result) -> Section:
    blocks: list[Block] = [Points((result.caption,))]
    charts = [_chart(result.table, figure) for figure in result.figures]
    blocks += [chart for chart in charts if chart.bars]
    if charts:
        said = "In brackets and through the points: 95 % intervals, unless a note says otherwise."
        blocks.append(Points((said,)))
    blocks.append(_table(result.table, "All numbers"))
    if result.notes:
        blocks.append(Points(result.notes))
    return Section("What was found", tuple(blocks))


def _chart(table: Sequence[dict[str, Any]], figure: Figure) -> Chart:
    bars = tuple(
        (
            f"{_cell(figure.group, row)}, {_cell(figure.colour, row)}",
            Interval(row[figure.value], row[figure.low], row[figure.high]),
        )
        for row in occurring(table, figure)
    )
    return Chart(figure.title, bars, figure.share)


def _changes(result: Result) -> tuple[Section, ...]:
    if not result.changes:
        return ()
    said = f"{len(result.changes):,} changes"
    return (Section("What was changed in copies", (_table(result.changes, said, folded=True),)),)


def _table(rows: Sequence[Mapping[str, Any]], said: str, folded: bool = False) -> Table:
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    cells = tuple(tuple(_cell(name, row) for name in names) for row in rows)
    return Table(tuple(map(heading, names)), cells, said, folded)


def _cell(name: str, row: Mapping[str, Any]) -> str:
    value = row.get(name)
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.1%}" if name in SHARES else number(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _origin(kept: Kept) -> Section:
    command = ["ragtune", "experiment", kept.key, "--exam", kept.exam]
    for name, value in kept.options.items():
        command += ["--set", f"{name}={value}"]
    return Section(
        "How it was made",
        (
            Table(("what", "value"), tuple(made_with(kept).items()), "Settings and hashes"),
            Points(("To run it again, with the exam's file:",)),
            Commands((shlex.join(command),)),
        ),
    )
