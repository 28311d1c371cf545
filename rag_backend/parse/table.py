"""Tables as rows that mean something by themselves."""

from collections.abc import Sequence

from rag_backend.parse.outline import Outline


def add_table(
    outline: Outline,
    rows: Sequence[Sequence[str]],
    *,
    has_header: bool | None = None,
    page: int | None = None,
) -> None:
    """Add a table's rows as ``column: value; column: value``.

    ``has_header`` says whether the first row names the columns; None leaves it to the table's
    shape. A table of one column or one row is layout rather than data: its cells become text.
    A table of two columns without names is a list of names and values.
    """
    rows = [row for row in rows if any(row)]
    if not rows:
        return
    width = max(len(row) for row in rows)
    if width == 1:
        for row in rows:
            outline.add(row[0], page)
        return
    if has_header is None:
        # "Start date: | 1 May" in the first row is a form, not a header.
        has_header = not (width == 2 and rows[0][0].endswith(":"))
    if not has_header and width == 2:
        for row in rows:
            outline.row([(row[0].rstrip(":"), row[1] if len(row) > 1 else "")])
            if len(row) < 2 or not row[1]:
                outline.add(row[0], page)
        return
    if len(rows) == 1:
        outline.add("; ".join(cell for cell in rows[0] if cell), page)
        return
    columns = column_names(rows[0], width) if has_header else [""] * width
    for row in rows[1:] if has_header else rows:
        outline.row(list(zip(columns, row, strict=False)), page)


def column_names(header: Sequence[str], width: int) -> list[str]:
    """Give each of ``width`` columns a name of its own: an unnamed third one is "column 3"."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for index in range(width):
        name = (header[index] if index < len(header) else "") or f"column {index + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
