"""PPTX: slides as pages, with their titles, lists, tables and notes."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag_backend.parse.clean import lines, one_line
from rag_backend.parse.limits import MAX_PAGES
from rag_backend.parse.outline import Outline
from rag_backend.parse.table import add_table
from rag_backend.parse.unzip import check_container
from workbench.errors import DocumentError
from workbench.values import ParsedDocument

if TYPE_CHECKING:
    from pptx.text.text import TextFrame


def parse_pptx(data: bytes, name: str) -> ParsedDocument:
    """Read a PowerPoint presentation; a slide's shapes come in the order of its file.

    That is the order in which a screen reader reads them. Slide numbers, dates and footers are
    left out.
    """
    import pptx

    check_container(data, name, ".pptx")
    presentation = pptx.Presentation(io.BytesIO(data))
    count = len(presentation.slides)
    if count > MAX_PAGES:
        raise DocumentError(
            f"{name} has {count:,} slides and the limit is {MAX_PAGES:,}: split it into smaller "
            "files and add those."
        )
    outline = Outline(name)
    for page, slide in enumerate(presentation.slides, start=1):
        title = slide.shapes.title
        outline.close(1)
        if title is not None:
            outline.heading(1, title.text_frame.text, page)
        for shape in _shapes(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _add_shape(outline, shape, page)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = lines(slide.notes_slide.notes_text_frame.text)
            if notes:
                outline.heading(2, "Notes", page)
                outline.add(notes, page)
    return ParsedDocument(outline.blocks(), pages=count)


def _shapes(shapes: Any) -> Iterator[Any]:
    """Yield the shapes, with those inside groups in their place."""
    from pptx.enum.shapes import PP_PLACEHOLDER
    from pptx.shapes.group import GroupShape

    left_out = {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER}
    stack = list(reversed(list(shapes)))
    while stack:
        shape = stack.pop()
        if isinstance(shape, GroupShape):
            stack.extend(reversed(list(shape.shapes)))
        elif not (shape.is_placeholder and shape.placeholder_format.type in left_out):
            yield shape


def _add_shape(outline: Outline, shape: Any, page: int) -> None:
    if shape.has_text_frame:
        outline.add(_text(shape.text_frame, is_list=shape.is_placeholder), page)
    elif getattr(shape, "has_table", False):
        rows = [[one_line(cell.text) for cell in row.cells] for row in shape.table.rows]
        has_header = shape.table.first_row or None
        add_table(outline, rows, has_header=has_header, page=page)


def _text(frame: "TextFrame", *, is_list: bool) -> str:
    """Return the paragraphs as lines; several ones in a placeholder are the items of a list."""
    paragraphs = [(paragraph.level, one_line(paragraph.text)) for paragraph in frame.paragraphs]
    paragraphs = [(level, text) for level, text in paragraphs if text]
    if not is_list or len(paragraphs) < 2:
        return "\n".join(text for _, text in paragraphs)
    return "\n".join(f"{'  ' * level}- {text}" for level, text in paragraphs)
