"""A report written to files."""

from datetime import date
from pathlib import Path

from comparison.evaluation.kept import Evaluation
from comparison.evaluation.results import results
from comparison.lab import Lab
from comparison.report.contents import make_report
from comparison.report.html import to_html
from comparison.report.markdown import to_markdown
from comparison.report.table import to_csv, to_parquet
from workbench.errors import RagtuneError
from workbench.files import write_bytes


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
    if folder.exists() and not folder.is_dir():
        raise RagtuneError(f"{folder} is a file; a folder was expected.")
    report, found = make_report(lab, evaluation, made), results(evaluation)
    files = {
        "html": to_html(report).encode("utf-8", "replace"),
        "md": to_markdown(report).encode("utf-8", "replace"),
        "csv": to_csv(found),
        "parquet": to_parquet(found),
    }
    places = [folder / f"{evaluation.name}.{kind}" for kind in files]
    for place, data in zip(places, files.values(), strict=True):
        write_bytes(place, data)
    return places
