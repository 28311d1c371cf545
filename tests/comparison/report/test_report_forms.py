"""Blocks of a report written as HTML, Markdown and SVG, with texts that try to be more."""

import xml.etree.ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from comparison.report.blocks import Chart, Commands, Points, Report, Section, Table
from comparison.report.chart import draw
from comparison.report.html import escaped as html_escaped
from comparison.report.html import to_html
from comparison.report.markdown import escaped, to_markdown
from comparison.statistics.interval import Interval

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "![x](https://e.example/x.png)",
    "[x](javascript:alert(1))",
    "<https://e.example>",
    "*a* _b_ ~~c~~ `d` \\*e\\* $f$",
    "a | b | c",
    "&lt;b&gt; &copy;",
    "see http://e.example, www.e.example and a@e.example",
    "x --> </style></table>",
    "\ttabs  and\n\n# lines\r\n- of text",
]


def report(*blocks):
    return Report("T", "made", (Section("S", blocks),))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_a_text(text):
    table = Table(("head", text), ((text, "x"),), text)
    folded = Table((text,), ((text,),), text, folded=True)
    shown = report(Points((text,)), table, folded, Commands((text,)))
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = markdown.parse(to_markdown(shown))
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special"}
    flat = " ".join(text.split())
    cells = ["".join(c.content for c in token.children) for token in tokens if token.children]
    assert cells.count(flat) == 5  # point, head and cell; head and cell of the folded one
    assert [token.content for token in tokens if token.type == "fence"] == [flat + "\n"]
    page = to_html(shown)
    assert "<img" not in page and "<https" not in page and "</style></table>" not in page
    assert page.count("<table>") == 2


def test_addresses_are_not_made_links_by_those_who_do():
    # GitHub looks for "http:" and "www." as they are written, backslashes and all.
    assert escaped("http://e.example WWW.e.example") == r"http\://e.example WWW\.e.example"


def test_a_fence_is_longer_than_what_is_in_it():
    lines = to_markdown(report(Commands(("a ```` b",)))).splitlines()
    assert lines[-3:] == ["`````", "a ```` b", "`````"]


def test_what_can_not_be_shown_is_marked():
    assert html_escaped("a\x00b\x1b[31m\ud83d\nc") == "a\ufffdb\ufffd[31m\ufffd\nc"
    assert to_html(report(Points(("half \ud83d",)))).encode()


@pytest.mark.parametrize(
    ("share", "values", "ticks"),
    [
        (True, [(0, 0, 0), (0.5, 0.25, 0.75), (1, 1, 1)], ["0%", "25%", "50%", "75%", "100%"]),
        (False, [(812, 700, 990)], ["0", "250", "500", "750", "1,000"]),
        (False, [(0, 0, 0)], ["0", "0.25", "0.5", "0.75", "1"]),
        (False, [(12_400, 9_000, 41_000)], ["0", "20,000", "40,000", "60,000"]),
        (False, [(-2.5, -4, 0.5), (0.1, -0.2, 0.3)], ["-4", "-2", "0", "2"]),
        (False, [(-0.1, -0.2, -0.05)], ["-0.2", "-0.15", "-0.1", "-0.05", "0"]),
    ],
)
def test_a_chart_has_its_points_between_its_ends(share, values, ticks):
    bars = tuple((f"<{n}>", Interval(*value)) for n, value in enumerate(values))
    svg = ET.fromstring(draw(Chart("said", bars, share)))
    assert [one.text for one in svg.findall("text[@class='tick']")] == ticks
    lines, points = svg.findall("line[@class='interval']"), svg.findall("circle")
    assert len(lines) == len(points) == len(values)
    for line, point in zip(lines, points, strict=True):
        ends = [float(line.get(end)) for end in ("x1", "x2")]
        assert 14 <= ends[0] <= float(point.get("cx")) <= ends[1] <= 406
    assert [one.text for one in svg.findall("text") if one.text.startswith("<")] == [
        label for label, _ in bars
    ]
