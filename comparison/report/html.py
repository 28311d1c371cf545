"""A report as one HTML file: no script, nothing that is loaded, light and dark, printable."""

import html
import unicodedata
from pathlib import Path

from comparison.report.blocks import Block, Chart, Commands, Points, Report, Table
from comparison.report.chart import draw

_STYLE = Path(__file__).parent / "style.css"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Whatever a text could smuggle in, the browser would neither load nor run it."""


def to_html(report: Report) -> str:
    """Write a report as HTML. Every text in it is escaped."""
    title = escaped(report.title)
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style>",
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
        f'<p class="made">{escaped(report.made)}</p>',
    ]
    for section in report.sections:
        parts += ["<section>", f"<h2>{escaped(section.title)}</h2>"]
        parts += map(_block, section.blocks)
        parts.append("</section>")
    return "\n".join((*parts, "</body>", "</html>", ""))


def escaped(text: str) -> str:
    """Return a text so that HTML shows it as it is; what can't be shown is marked."""
    shown = "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else "\ufffd" for c in text
    )
    return html.escape(shown)


def _block(block: Block) -> str:
    match block:
        case Points():
            points = (f"<li>{escaped(sentence)}</li>" for sentence in block.sentences)
            return "\n".join(("<ul>", *points, "</ul>"))
        case Table():
            return _table(block)
        case Chart():
            said = f"<figcaption>{escaped(block.said)}</figcaption>"
            return "\n".join(("<figure>", said, draw(block), "</figure>"))
        case Commands():
            return f"<pre>{escaped(chr(10).join(block.lines))}</pre>"


def _table(table: Table) -> str:
    lines = ["<table>"]
    if table.said and not table.folded:
        lines.append(f"<caption>{escaped(table.said)}</caption>")
    head = "".join(f'<th scope="col">{escaped(cell)}</th>' for cell in table.head)
    lines += [f"<thead><tr>{head}</tr></thead>", "<tbody>"]
    for row in table.rows:
        lines.append(f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>")
    drawn = "\n".join(('<div class="wide">', *lines, "</tbody>", "</table>", "</div>"))
    if table.folded:
        summary = f"<summary>{escaped(table.said)}</summary>"
        return "\n".join(("<details>", summary, drawn, "</details>"))
    return drawn
