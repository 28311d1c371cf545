"""A report of an evaluation: what it says, that nothing in it is markup, and that it is stable."""

import csv
import io
import json
from datetime import date
from html.parser import HTMLParser

import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt

import cli
from comparison.evaluation.kept import find_evaluation
from comparison.evaluation.results import results
from comparison.evaluation.rows import read_rows
from comparison.report.contents import make_report
from comparison.report.html import to_html
from comparison.report.markdown import to_markdown
from comparison.report.table import to_csv, to_parquet
from comparison.report.write import write_report
from workbench.errors import RagtuneError

TODAY = date(2026, 11, 26)
SECTIONS = [
    *("Verdict", "What was compared", "Metrics", "Cost and latency", "Questions"),
    *("Settings, versions and hashes", "How to rerun it"),
]
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "p", "section", "h2", "ul", "li"),
    *("div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("svg", "text", "line", "circle", "details", "summary", "pre"),
}


class Page(HTMLParser):
    """Collects the tags and the texts of a page, and notes what isn't closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.texts = set(), set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture()
def evaluation(evaluated_lab):
    return find_evaluation(evaluated_lab.home, "one")


@pytest.fixture()
def report(evaluated_lab, evaluation):
    return make_report(evaluated_lab, evaluation, TODAY)


def test_it_says_everything_in_its_order(evaluated_lab, evaluation, report):
    text = "\n".join(Page(to_html(report)).texts)
    found, made = results(evaluation), evaluation.conditions
    assert [section.title for section in report.sections] == SECTIONS
    for verdict in found.verdicts:
        assert verdict.sentence in text
    assert "Equal conditions: the same checkpoint" in text
    (run,) = (evaluated_lab.adapter("tuned").run,)
    (document,) = evaluated_lab.knowledge_base.documents()
    hashes = (made["the model"].split()[-1], run.adapter_sha256, document.sha256)
    for told in (*hashes, made["the documents"], evaluation.machine["torch"], "Answer briefly."):
        assert told in text
    assert str(evaluated_lab.checkpoint().folder) not in text
    assert "ragtune replay one.zip" in text and "--adapter tuned" in text
    right = found.intervals["rag"]["right"]
    assert f"{right.value:.1%} ({right.low:.1%} to {right.high:.1%})" in text


def test_wrong_answers_come_first(evaluation, report):
    (table,) = (b for b in report.sections[4].blocks if getattr(b, "folded", False))
    right = {}
    for row in read_rows(evaluation.folder):
        right[row["number"]] = right.get(row["number"], 0) + row["right"]
    counts = [right[int(row[0]) - 1] for row in table.rows]
    assert len(counts) == 3 and counts == sorted(counts)
    for row in table.rows:
        assert all(cell[0] in "✓✗" for cell in row[3:])


def test_nothing_in_the_page_is_loaded_or_run(report):
    text = to_html(report)
    page = Page(text)
    assert page.tags <= TAGS and page.open == []
    assert not {"src", "href", "onload", "onclick"} & page.attributes and "url(" not in text
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text
    assert "<script>alert(1)</script>" in "".join(page.texts)
    assert "&lt;script&gt;" in text


def test_no_text_becomes_markdown(report):
    text = to_markdown(report)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special"}
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert all(one.startswith(("<details>", "</details>")) for one in blocks)
    cells = ["".join(c.content for c in token.children) for token in tokens if token.children]
    question = "=1+1 <script>alert(1)</script> | ![x](http://e.example/a.png) `*b*`?"
    assert question in cells and "| 31 & _days_" in cells


def test_two_reports_differ_in_their_date_alone(evaluated_lab, evaluation, report):
    for write in (to_html, to_markdown):
        again = write(make_report(evaluated_lab, evaluation, TODAY))
        later = write(make_report(evaluated_lab, evaluation, date(2027, 1, 2)))
        assert again == write(report)
        assert later == again.replace("2026-11-26", "2027-01-02")


def test_one_that_is_not_complete_says_so_first(evaluated_lab, evaluation):
    file = evaluation.folder / "rows.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:4]))
    report = make_report(evaluated_lab, evaluation, TODAY)
    told = "not complete: 4 of 9 answers are there"
    assert told in to_markdown(report).splitlines()[0]
    assert f"<h1>Evaluation one, {told}</h1>" in to_html(report)
    file.write_bytes(b"")
    with pytest.raises(RagtuneError, match="'one' has no answers yet"):
        make_report(evaluated_lab, evaluation, TODAY)


def test_what_changed_since_is_not_told_as_if_it_had_not(evaluated_lab, evaluation):
    evaluated_lab.knowledge_base.remove("handbook.md")
    text = to_markdown(make_report(evaluated_lab, evaluation, TODAY))
    assert "The documents were changed since" in text
    assert evaluation.conditions["the documents"] in text


def test_rows_as_csv_and_parquet(evaluation):
    found = results(evaluation)
    rows = list(csv.DictReader(io.StringIO(to_csv(found).decode("utf-8-sig"))))
    assert len(rows) == 9 and {row["question"][:3] for row in rows} == {"Whe", "'=1", "Who"}
    read = pq.read_table(io.BytesIO(to_parquet(found))).to_pylist()
    assert read == [{name: row.get(name) for name in read[0]} for row in found.rows]
    assert set(read[0]) == set(found.rows[0])


def test_the_command_writes_all_forms(evaluated_lab, evaluation, tmp_path, capsys):
    def ragtune(*arguments):
        code = cli.main(["--home", str(evaluated_lab.home.folder), *map(str, arguments)])
        return code, *capsys.readouterr()

    code, out, _ = ragtune("report", "one", "--out", tmp_path / "out", "--json")
    files = json.loads(out)["files"]
    assert code == 0 and len(files) == 4
    kinds = {file.suffix: file.stat().st_size for file in (tmp_path / "out").iterdir()}
    assert set(kinds) == {".html", ".md", ".csv", ".parquet"} and min(kinds.values()) > 500
    assert ragtune("report", "none")[2].startswith("ragtune: There is no evaluation 'none'.")
    with pytest.raises(RagtuneError, match="is a file; a folder was expected"):
        write_report(evaluated_lab, evaluation, tmp_path / "out" / "one.md", TODAY)
