"""Reports written to files."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from comparison.evaluation.kept import Evaluation
from comparison.evaluation.results import results
from comparison.experiments.kept import Kept
from comparison.lab import Lab
from comparison.report.blocks import Report
from comparison.report.contents import make_report
from comparison.report.experiment import experiment_report
from comparison.report.html import to_html
from comparison.report.markdown import to_markdown
from comparison.report.table import all_to_csv, to_csv, to_parquet
from workbench.errors import RagtuneError
from workbench.files import write_bytes

_KINDS = {"html": to_html, "md": to_markdown}


def write_report(lab: Lab, evaluation: Evaluation, folder: Path, made: date) -> list[Path]:
    """Write a report in all its forms, in place of an earlier one, and return the files.

    Args:
        lab: where documents and fine-tunes are.
        evaluation: a kept one.
        folder: is made where there is none.
        made: see `make_report`.

    Raises:
        RagtuneError: the evaluation has no answers yet, or the folder can't be written.
    """
    report, found = make_report(lab, evaluation, made), results(evaluation)
    rows = {"csv": to_csv(found), "parquet": to_parquet(found)}
    return _write(evaluation.name, folder, _pages(report) | rows)


def to_file(report: Report, kind: str) -> bytes:
    """Return a report as a file of a kind: "html" or "md"."""
    return _KINDS[kind](report).encode("utf-8", "replace")  # a model may write half a character


def write_experiment_report(kept: Kept, folder: Path, made: date) -> list[Path]:
    """Write the report of an experiment, otherwise as `write_report`."""
    report = experiment_report(kept, made)
    return _write(kept.name, folder, _pages(report) | {"csv": all_to_csv(kept.rows())})


def _pages(report: Report) -> dict[str, bytes]:
    return {kind: to_file(report, kind) for kind in _KINDS}


def _write(name: str, folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, each named by its kind."""
    if folder.exists() and not folder.is_dir():
        raise RagtuneError(f"{folder} is a file; a folder was expected.")
    places = [folder / f"{name}.{kind}" for kind in files]
    for place, data in zip(places, files.values(), strict=True):
        write_bytes(place, data)
    return places
