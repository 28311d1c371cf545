"""Markdown: the token stream of markdown-it as blocks."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag_backend.parse.clean import lines, one_line, preformatted, printable
from rag_backend.parse.decode import decode
from rag_backend.parse.html import add_fragment
from rag_backend.parse.outline import Outline
from rag_backend.parse.table import add_table
from workbench.values import ParsedDocument

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\s*---\n(.*?)\n(?:---|\.\.\.)(?:\n|$)", re.DOTALL)
_MAX_NESTING = 100
"""markdown-it drops what is nested deeper; its default of 20 is seven levels of lists."""
_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def parse_markdown(data: bytes, name: str) -> ParsedDocument:
    """Read CommonMark with tables; a list is one block with a line per item."""
    from markdown_it import MarkdownIt

    text = printable(decode(data, name))
    outline = Outline(name)
    front_matter = _FRONT_MATTER.match(text)
    if front_matter:
        outline.add(lines(front_matter[1]))
        text = text[front_matter.end() :]
    tokens = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table").parse(text)
    _add_tokens(outline, tokens)
    return ParsedDocument(outline.blocks(), pages=None)


def _add_tokens(outline: Outline, tokens: Sequence["Token"]) -> None:
    # The lines of the outermost list that is open, and for each open list the number of its next
    # item, or None for bullets.
    items: list[str] = []
    numbers: list[int | None] = []
    marker = ""
    heading: int | None = None
    rows: list[list[str]] | None = None

    def flush_list() -> None:
        outline.add("\n".join(items))
        items.clear()

    for token in tokens:
        kind = token.type
        if kind in {"bullet_list_open", "ordered_list_open"}:
            ordered = kind.startswith("ordered")
            numbers.append(int(token.attrGet("start") or 1) if ordered else None)
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            numbers.pop()
            if not numbers:
                flush_list()
        elif kind == "list_item_open":
            number = numbers[-1]
            marker = "- " if number is None else f"{number}. "
            if number is not None:
                numbers[-1] = number + 1
        elif kind == "heading_open":
            # A heading inside a list or a quotation heads only that, so it stays text there.
            heading = int(token.tag[1:]) if token.level == 0 else None
        elif kind == "heading_close":
            heading = None
        elif kind == "table_open":
            flush_list()
            rows = []
        elif kind == "tr_open" and rows is not None:
            rows.append([])
        elif kind == "table_close" and rows is not None:
            add_table(outline, rows, has_header=True)
            rows = None
        elif kind == "html_block":
            flush_list()
            add_fragment(outline, token.content)
        elif kind in {"inline", "fence", "code_block"}:
            text = _inline(token) if kind == "inline" else preformatted(token.content)
            if heading is not None:
                outline.heading(heading, text)
            elif rows is not None:
                rows[-1].append(one_line(text))
            elif numbers:
                indent = "  " * (len(numbers) - 1)
                if text:
                    text = text.replace("\n", "\n" + indent + "  ")
                    items.append(f"{indent}{marker or '  '}{text}")
                    marker = ""
            else:
                outline.add(text)


def _inline(token: "Token") -> str:
    """Return the text of a paragraph without its markup; of a link, what a reader sees."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak" or (
            child.type == "html_inline" and _BREAK.fullmatch(child.content)
        ):
            parts.append("\n")
        elif child.type == "html_inline":
            parts.append(_TAG.sub("", child.content))
        else:
            parts.append(child.content)
    return lines("".join(parts))
