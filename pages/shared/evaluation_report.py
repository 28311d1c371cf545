"""An evaluation to be handed to somebody: its report, its rows, and all that it came from."""

import io
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from comparison.evaluation.kept import Evaluation
    from comparison.evaluation.results import Results
    from comparison.lab import Lab


def report_downloads(lab: "Lab", evaluation: "Evaluation", found: "Results") -> None:
    """Offer the report, the rows as Parquet, and the bundle; each is made when it is asked for."""
    from comparison.report.contents import make_report
    from comparison.report.table import to_parquet
    from comparison.report.write import to_file

    def report(kind: str) -> bytes:
        return to_file(make_report(lab, evaluation, date.today()), kind)

    for label, make, kind, mime, meaning in (
        (
            "Report",
            lambda: report("html"),
            "html",
            "text/html",
            "One page to be handed to somebody: all figures, settings and hashes, as HTML.",
        ),
        (
            "Markdown",
            lambda: report("md"),
            "md",
            "text/markdown",
            "The same report as text.",
        ),
        (
            "Parquet",
            lambda: to_parquet(found),
            "parquet",
            "application/vnd.apache.parquet",
            "A row for each answer, with all that is kept of it.",
        ),
    ):
        st.download_button(
            label,
            make,
            f"{evaluation.name}.{kind}",
            mime,
            icon=":material/download:",
            on_click="ignore",
            help=meaning,
        )
    _bundle(lab, evaluation)


def _bundle(lab: "Lab", evaluation: "Evaluation") -> None:
    from comparison.replay.bundle import check_can_bundle, write_bundle

    def bundle() -> bytes:
        out = io.BytesIO()
        write_bundle(lab, evaluation, out)
        return out.getvalue()

    meaning = (
        "Exam, documents, settings, adapters and answers in one file, which `ragtune replay` asks "
        "again and compares."
    )
    try:
        check_can_bundle(lab, evaluation)
        unready = ""
    except RagtuneError as error:
        unready = str(error)
    st.download_button(
        "Bundle",
        bundle,
        f"{evaluation.name}.zip",
        "application/zip",
        icon=":material/package_2:",
        on_click="ignore",
        disabled=bool(unready),
        help=plain(unready) or meaning,
    )
