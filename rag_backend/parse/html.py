"""HTML: the text that a reader of the page sees, with its headings, lists and tables."""

import re
from typing import TYPE_CHECKING

from rag_backend.parse.clean import lines, one_line, preformatted
from rag_backend.parse.decode import declared_encoding, decode
from rag_backend.parse.outline import Outline
from rag_backend.parse.table import add_table
from workbench.values import ParsedDocument

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_DROPPED = frozenset(
    {"audio", "canvas", "embed", "iframe", "nav", "noscript", "object", "script", "select"}
    | {"style", "svg", "template", "title", "video"}
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del"}
    | {"dfn", "em", "font", "i", "img", "input", "ins", "kbd", "label", "mark", "output", "q"}
    | {"rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time"}
    | {"tt", "u", "var", "wbr"}
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LISTS = frozenset({"ul", "ol", "dl", "menu"})


def parse_html(data: bytes, name: str) -> ParsedDocument:
    """Read a web page; scripts, styles, navigation and hidden parts are left out."""
    soup = read_soup(data, name)
    outline = Outline(name)
    title = soup.find("title")
    if title is not None and soup.find("h1") is None:
        outline.heading(0, title.get_text())
    add_soup(outline, soup)
    return ParsedDocument(outline.blocks(), pages=None)


def read_soup(data: bytes, name: str) -> "BeautifulSoup":
    """Return the parsed page, decoded as it declares."""
    return _soup(decode(data, name, declared=declared_encoding(data)))


def add_fragment(outline: Outline, markup: str) -> None:
    """Add the text of a piece of HTML, such as one inside Markdown."""
    add_soup(outline, _soup(markup))


def add_soup(outline: Outline, soup: "BeautifulSoup") -> None:
    """Add the text of a parsed page. It walks without recursion: pages nest thousands deep."""
    from bs4.element import CData, NavigableString, Tag

    buffer: list[str] = []
    list_depth = 0

    def flush() -> None:
        outline.add(lines("".join(buffer)))
        buffer.clear()

    # Each tag is pushed twice: once to enter it and, beneath its children, once to leave it.
    stack: list[tuple[object, bool]] = [(soup, True)]
    while stack:
        node, entering = stack.pop()
        if not isinstance(node, Tag):
            # Comments and doctypes are strings of other classes.
            if type(node) is NavigableString or isinstance(node, CData):
                buffer.append(re.sub(r"\s+", " ", str(node)))
            continue
        tag = node.name
        if not entering:
            if tag in _LISTS:
                list_depth -= 1
            if not list_depth:
                flush()
            continue
        if tag in _DROPPED or _is_hidden(node):
            continue
        if tag in HEADINGS:
            flush()
            outline.heading(HEADINGS[tag], node.get_text(" " if node.find("br") else ""))
        elif tag == "pre":
            flush()
            outline.add(preformatted(node.get_text()))
        elif tag == "br":
            buffer.append("\n")
        elif tag == "table" and _is_data(node):
            flush()
            _add_table(outline, node)
        elif tag in _INLINE:
            stack.extend((child, True) for child in reversed(node.contents))
        else:
            if tag in _LISTS:
                if not list_depth:
                    flush()
                list_depth += 1
            elif list_depth:
                # Inside a list, items and their parts become lines of one block.
                buffer.append("\n- " if tag == "li" else "\n" if tag in {"dt", "dd"} else " ")
            else:
                flush()
            stack.append((node, False))
            stack.extend((child, True) for child in reversed(node.contents))
    flush()


def _soup(markup: str) -> "BeautifulSoup":
    from bs4 import BeautifulSoup

    return BeautifulSoup(markup, "html.parser")


def _is_hidden(tag: "Tag") -> bool:
    if not tag.attrs:
        return False
    return (
        "hidden" in tag.attrs
        or tag.attrs.get("aria-hidden") == "true"
        or bool(_HIDDEN_STYLE.search(str(tag.attrs.get("style", ""))))
    )


def _is_data(table: "Tag") -> bool:
    """Whether a table holds data; one with tables or headings inside only lays out a page."""
    return table.find(["table", *HEADINGS]) is None


def _add_table(outline: Outline, table: "Tag") -> None:
    caption = table.find("caption")
    if caption is not None:
        outline.add(one_line(caption.get_text(" ")))
    rows: list[list[str]] = []
    # Column to (rows still to fill, text), for cells that span several rows.
    carried: dict[int, tuple[int, str]] = {}
    heads: list[bool] = []
    for tr in table.find_all("tr"):
        if _is_hidden(tr):
            continue
        cells = tr.find_all(["td", "th"])
        heads.append(bool(cells) and all(cell.name == "th" for cell in cells))
        row: list[str] = []
        for cell in cells:
            _fill(row, carried)
            text = one_line(_cell_text(cell))
            if (span := _span(cell, "rowspan")) > 1:
                carried[len(row)] = (span - 1, text)
            row.append(text)
            # A cell over several columns says the same of each, which is said once.
            row.extend([""] * (_span(cell, "colspan") - 1))
        _fill(row, carried)
        if any(row):
            rows.append(row)
        else:
            heads.pop()
    # With <th> down the side, each row is a name and its value.
    sides = bool(rows) and not heads[0] and max(map(len, rows)) == 2
    add_table(outline, rows, has_header=False if sides and not any(heads) else None)


def _cell_text(cell: "Tag") -> str:
    for dropped in cell.find_all(["script", "style", "template", "noscript"]):
        dropped.extract()
    return cell.get_text(" ")


def _fill(row: list[str], carried: dict[int, tuple[int, str]]) -> None:
    """Repeat the cells from rows above that reach down into this place."""
    while len(row) in carried:
        left, text = carried.pop(len(row))
        if left > 1:
            carried[len(row)] = (left - 1, text)
        row.append(text)


def _span(cell: "Tag", attribute: str) -> int:
    value = str(cell.attrs.get(attribute, "1")).strip()
    # Browsers cap a span at 1000 columns; so must we, or one cell could fill the memory.
    return min(max(int(value), 1), 1000) if value.isascii() and value.isdigit() else 1
