"""The report of an experiment: its finding, what its figures draw, and how it was made."""

from datetime import date

import pytest

from comparison.experiments.experiment import Figure, Result
from comparison.experiments.kept import Kept
from comparison.report.blocks import Chart, Table
from comparison.report.experiment import experiment_report
from comparison.report.html import to_html
from comparison.report.markdown import to_markdown
from comparison.report.table import all_to_csv
from comparison.statistics.interval import Interval
from workbench.errors import RagtuneError
from workbench.jobs import JobState

TABLE = (
    {"method": "RAG", "answer": "true", "count": 1200, "share": 0.25, "low": 0.1, "high": 0.5},
    {"method": "RAG", "answer": "false", "count": 0, "share": 0.0, "low": 0.0, "high": 0.1},
    {"method": "base", "answer": "true", "count": 3, "share": 0.75, "low": 0.5, "high": 0.9},
)


def kept(tmp_path, *figures, result=True):
    found = Result(TABLE, figures, "RAG <b>wins</b>.", ("A *note*.",), ({"true": "1"},))
    return Kept(
        name="context-1",
        folder=tmp_path,
        state=JobState("done"),
        key="context",
        exam="my exam.jsonl",
        adapter=None,
        options={"questions": 3},
        conditions={"the model": f"{tmp_path}/models/tiny abc", "the setting read": 1},
        created=0.0,
        result=found if result else None,
    )


def test_it_says_what_was_found_and_how_it_was_made(tmp_path):
    bars = Figure("bars", "method", "share", "answer", "Share")
    report = experiment_report(kept(tmp_path, bars), date(2026, 1, 2))
    finding, changes, made = report.sections
    chart, table = finding.blocks[1], finding.blocks[3]
    assert isinstance(chart, Chart) and isinstance(table, Table)
    # What never occurs is not drawn, but stands in the table.
    assert chart.bars == (
        ("RAG, true", Interval(0.25, 0.1, 0.5)),
        ("base, true", Interval(0.75, 0.5, 0.9)),
    )
    assert table.head == ("Method", "Answer", "Count", "Share", "Low", "High")
    assert table.rows[0] == ("RAG", "true", "1,200", "25.0%", "10.0%", "50.0%")
    assert changes.blocks[0].rows == (("1",),)
    assert made.blocks[0].rows[:3] == (
        ("exam", "my exam.jsonl"),
        ("adapter", "none"),
        ("questions", "3"),
    )
    command = "ragtune experiment context --exam 'my exam.jsonl' --set questions=3"
    assert made.blocks[2].lines == (command,)
    page, text = to_html(report), to_markdown(report)
    assert str(tmp_path) not in page + text
    assert "RAG &lt;b&gt;wins&lt;/b&gt;." in page and r"A \*note\*." in text
    assert "25.0% (10.0% to 50.0%)" in text and page.count("<svg") == 1


def test_numbers_that_are_no_shares_keep_their_own(tmp_path):
    lines = Figure("curve", "method", "count", "answer", "Count", "share", "high", share=False)
    text = to_markdown(experiment_report(kept(tmp_path, lines), date(2026, 1, 2)))
    assert "| RAG, true | 1,200 (0.25 to 0.5) |" in text and "| RAG, false | 0 (0 to 0.1) |" in text


def test_without_a_result_it_says_how_to_get_one(tmp_path):
    with pytest.raises(RagtuneError, match="ragtune experiment --resume context-1"):
        experiment_report(kept(tmp_path, result=False), date(2026, 1, 2))


def test_all_that_rows_hold_is_written_and_no_formula_runs():
    rows = [{"method": "rag", "answer": "=1+1"}, {"method": "base", "read": ["a", "b"]}]
    lines = all_to_csv(rows).decode("utf-8-sig").splitlines()
    assert lines == ["method,answer,read", "rag,'=1+1,", "base,,a | b"]
