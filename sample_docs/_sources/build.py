"""Build the two binary sample documents from their Markdown sources.

``handbook.md`` becomes ``../handbook.pdf`` (printed with Chromium) and
``workshop_manual.md`` becomes ``../workshop_manual.docx``.

Needs ``markdown-it-py``, ``playwright`` and ``python-docx`` plus an installed
Chromium, whose path can be set with the environment variable ``CHROMIUM``.
"""

from __future__ import annotations

import os
from pathlib import Path

from docx import Document
from docx.document import Document as DocxDocument
from docx.text.paragraph import Paragraph
from markdown_it import MarkdownIt
from markdown_it.token import Token
from playwright.sync_api import sync_playwright

SOURCES = Path(__file__).resolve().parent
TARGET = SOURCES.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

PRINT_CSS = """
@page { size: A4; margin: 24mm 22mm 22mm 22mm; }
body { font: 11.5pt/1.5 "DejaVu Serif", Georgia, serif; color: #1c1c1c; margin: 0;
       font-variant-ligatures: none; }
h1 { font-size: 25pt; margin: 0 0 8mm; }
h2 { font-size: 17pt; margin: 11mm 0 3mm; break-after: avoid; }
h3 { font-size: 12.5pt; margin: 6mm 0 1.5mm; break-after: avoid; }
p { margin: 0 0 2.5mm; orphans: 3; widows: 3; }
table { border-collapse: collapse; width: 100%; margin: 3mm 0 5mm; break-inside: avoid; }
th, td { border: 0.3mm solid #8a8a8a; padding: 1.5mm 2.5mm; text-align: left; font-size: 10.5pt; }
th { background: #ece7dc; }
"""


def parser() -> MarkdownIt:
    """Return the Markdown parser used for both documents."""
    return MarkdownIt("commonmark").enable("table")


def build_pdf(source: Path, target: Path) -> None:
    """Render a Markdown file to HTML and print it as an A4 PDF."""
    body = parser().render(source.read_text(encoding="utf-8"))
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{source.stem.replace('_', ' ').title()}</title>"
        f"<style>{PRINT_CSS}</style></head><body>{body}</body></html>"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content(html)
        page.pdf(path=str(target), prefer_css_page_size=True, print_background=True)
        browser.close()


def add_inline(paragraph: Paragraph, token: Token) -> None:
    """Add the text of an inline token, keeping bold and italic runs."""
    bold = italic = False
    for child in token.children or []:
        if child.type in ("strong_open", "strong_close"):
            bold = child.type == "strong_open"
        elif child.type in ("em_open", "em_close"):
            italic = child.type == "em_open"
        elif child.content or child.type == "softbreak":
            run = paragraph.add_run(child.content or " ")
            run.bold, run.italic = bold, italic


def add_table(document: DocxDocument, rows: list[list[Token]]) -> None:
    """Add a grid table whose first row is a bold header."""
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    table.style = "Table Grid"
    for row_index, row in enumerate(rows):
        for column, token in enumerate(row):
            paragraph = table.cell(row_index, column).paragraphs[0]
            add_inline(paragraph, token)
            if row_index == 0:
                for run in paragraph.runs:
                    run.bold = True
    document.add_paragraph()


def build_docx(source: Path, target: Path) -> None:
    """Turn Markdown headings, paragraphs, bullet lists and tables into a Word file."""
    document = Document()
    style: str | None = None
    rows: list[list[Token]] = []
    heading = 0
    in_table = False
    for token in parser().parse(source.read_text(encoding="utf-8")):
        if token.type == "heading_open":
            heading = int(token.tag[1])
        elif token.type == "heading_close":
            heading = 0
        elif token.type == "bullet_list_open":
            style = "List Bullet"
        elif token.type == "bullet_list_close":
            style = None
        elif token.type == "table_open":
            in_table, rows = True, []
        elif token.type == "table_close":
            in_table = False
            add_table(document, rows)
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            if in_table:
                rows[-1].append(token)
            elif heading:
                add_inline(document.add_heading(level=heading - 1), token)
            else:
                add_inline(document.add_paragraph(style=style), token)
    document.save(str(target))


def main() -> None:
    """Build both documents next to the sources folder."""
    build_pdf(SOURCES / "handbook.md", TARGET / "handbook.pdf")
    build_docx(SOURCES / "workshop_manual.md", TARGET / "workshop_manual.docx")


if __name__ == "__main__":
    main()
