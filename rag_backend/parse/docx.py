"""DOCX: paragraphs, lists and tables in the order of the document's body."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag_backend.parse.clean import lines, one_line
from rag_backend.parse.outline import Outline
from rag_backend.parse.table import add_table
from rag_backend.parse.unzip import check_container
from workbench.values import ParsedDocument

if TYPE_CHECKING:
    from docx.document import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_LAST_HEADING_LEVEL = 9
# Deleted and moved text is no longer part of the document; a fallback repeats what stands beside
# it; a text box is read after its paragraph.
_SKIPPED = frozenset({f"{_W}del", f"{_W}moveFrom", f"{_W}txbxContent", _FALLBACK})
_WHITE_SPACE = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def parse_docx(data: bytes, name: str) -> ParsedDocument:
    """Read a Word document, with its text boxes, content controls and footnotes.

    Page headers and footers, comments and deleted text are left out. python-docx opens the
    file; the elements are walked here, because its ``paragraphs`` leave out content controls,
    text boxes and text that was inserted with changes tracked.
    """
    import docx

    check_container(data, name, ".docx")
    document = docx.Document(io.BytesIO(data))
    outline = Outline(name)
    _add_body(outline, document.element.body, _style_levels(document))
    for relation in document.part.rels.values():
        if relation.reltype.endswith("/footnotes") and not relation.is_external:
            from docx.oxml.parser import parse_xml

            _add_body(outline, parse_xml(relation.target_part.blob), {})
    return ParsedDocument(outline.blocks(), pages=None)


def _style_levels(document: "Document") -> dict[str, int]:
    """Map the ids of heading and list styles to levels; a list style has level -1."""
    levels: dict[str, int] = {}
    for style in document.styles:
        # A style made from "Heading 2" is a heading too. Files exist where styles form a ring.
        ancestor: Any = style
        for _ in range(10):
            words = ((ancestor.name if ancestor is not None else "") or "").lower().split()
            if words == ["title"]:
                levels[style.style_id] = 0
            elif len(words) == 2 and words[0] == "heading" and words[1].isdecimal():
                levels[style.style_id] = int(words[1])
            elif words[:1] == ["list"] and words[1:2] != ["paragraph"]:
                levels[style.style_id] = -1
            else:
                ancestor = getattr(ancestor, "base_style", None)
                continue
            break
    return levels


def _add_body(outline: Outline, body: Any, levels: dict[str, int]) -> None:
    items: list[str] = []

    def flush_list() -> None:
        outline.add("\n".join(items))
        items.clear()

    for element in _parts(body):
        if element.tag == f"{_W}tbl":
            flush_list()
            _add_table(outline, element)
            continue
        text = lines(_text(element))
        level = _level(element, levels)
        if level == -1:
            if text:
                items.append(f"- {text}")
        else:
            flush_list()
            if level is None:
                outline.add(text)
            else:
                outline.heading(level, text)
        for box in element.iter(f"{_W}txbxContent"):
            if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
                flush_list()
                for paragraph in _parts(box):
                    outline.add(lines(_text(paragraph)))
    flush_list()


def _parts(parent: Any) -> Iterator[Any]:
    """Yield the paragraphs and tables in ``parent``, also those inside content controls."""
    stack = list(reversed(parent))
    while stack:
        element = stack.pop()
        if element.tag in {f"{_W}p", f"{_W}tbl"}:
            yield element
        elif element.tag not in _SKIPPED and isinstance(element.tag, str):
            stack.extend(reversed(element))


def _text(parent: Any) -> str:
    """Return the text of a paragraph, or of a whole cell with a line per paragraph."""
    parts: list[str] = []
    stack = list(reversed(parent))
    while stack:
        element = stack.pop()
        if element.tag in _SKIPPED:
            continue
        if element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag in _WHITE_SPACE:
            parts.append(_WHITE_SPACE[element.tag])
        elif element.tag == f"{_W}p":
            parts.append("\n")
            stack.extend(reversed(element))
        elif element.tag not in {f"{_W}pPr", f"{_W}rPr"}:
            stack.extend(reversed(element))
    return "".join(parts)


def _level(paragraph: Any, levels: dict[str, int]) -> int | None:
    """Return a paragraph's heading level, -1 for a list item, None for plain text."""
    properties = paragraph.find(f"{_W}pPr")
    if properties is None:
        return None
    outline_level = properties.find(f"{_W}outlineLvl")
    if outline_level is not None:
        value = outline_level.get(f"{_W}val", "")
        # 9 means body text.
        if value.isdecimal() and int(value) < _LAST_HEADING_LEVEL:
            return int(value) + 1
    style = properties.find(f"{_W}pStyle")
    level = None if style is None else levels.get(style.get(f"{_W}val", ""))
    # A numbered heading is a heading first.
    if level is None and properties.find(f"{_W}numPr") is not None:
        return -1
    return level


def _add_table(outline: Outline, table: Any) -> None:
    rows: list[list[str]] = []
    for row in table.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is not table:
            continue  # of a table inside a cell, whose text the cell has
        cells: list[str] = []
        for cell in row.iter(f"{_W}tc"):
            if next(cell.iterancestors(f"{_W}tr")) is not row:
                continue
            text = one_line(_text(cell))
            merge = cell.find(f"{_W}tcPr/{_W}vMerge")
            if merge is not None and merge.get(f"{_W}val") != "restart" and rows:
                # The lower part of a merged cell is empty in the file; it means what is above.
                above = rows[-1]
                text = text or (above[len(cells)] if len(cells) < len(above) else "")
            cells.append(text)
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            value = "" if span is None else span.get(f"{_W}val", "")
            if value.isdecimal():
                # Word allows 63 columns.
                cells.extend([""] * (min(int(value), 63) - 1))
        rows.append(cells)
    add_table(outline, rows)
