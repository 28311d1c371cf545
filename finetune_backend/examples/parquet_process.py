"""The process that reads a Parquet file: ``python -m finetune_backend.examples.parquet_process``.

On its standard input come a line of JSON, which says what is wanted, and the file. It answers with
lines of JSON: the columns, or why the file is refused; and each row, as its fields or as the
reason why they can't be used.
"""

import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from finetune_backend.examples.columns import MOST_COLUMNS, PREVIEW_CHARS, PREVIEW_ROWS, folded
from finetune_backend.examples.wording import MAX_ANSWER_CHARS, MAX_QUESTION_CHARS
from workbench.limits import limit_memory

_LIMITS = {
    "question": MAX_QUESTION_CHARS,
    "answer": MAX_ANSWER_CHARS,
    "messages": 3 * MAX_ANSWER_CHARS,  # what the system says, a question and an answer
}
_LONGEST_CELL_BYTES = 4 * MAX_ANSWER_CHARS
"""No character has more than four bytes."""
_BATCH_ROWS = 200
_NOT_TEXT: list[str] = []
"""Stands for any value that is neither text nor a number."""


class _Refused(Exception):
    """Says how the sentence goes on that begins with the file's name."""


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.buffer.readline())
    limit_memory(request["memory_bytes"])
    try:
        lines = list(_answer(sys.stdin.buffer.read(), request))
    except _Refused as refused:
        lines = [json.dumps({"refused": str(refused)})]
    except MemoryError:
        said = f"needs more than {request['memory_bytes'] / 1e9:g} GB of memory. Split it."
        lines = [json.dumps({"refused": said})]
    print("\n".join(lines))


def _answer(data: bytes, request: dict[str, Any]) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data), pre_buffer=False)
        names = file.schema_arrow.names
        if len(names) > MOST_COLUMNS:  # those that are wanted come first
            wanted = set(request["wanted"].values())
            names = sorted(names, key=lambda name: folded(name) not in wanted)
        yield json.dumps({"columns": names[:MOST_COLUMNS]})
        if request["preview"]:
            yield from _preview(file, names[:MOST_COLUMNS])
        else:
            yield from _rows(file, names, request)
    except pa.ArrowMemoryError as error:
        raise MemoryError from error
    except (pa.ArrowException, OSError) as error:
        raise _Refused(
            "is not a Parquet file that can be read. Save it again, or as CSV or JSONL."
        ) from error


def _rows(file: Any, names: list[str], request: dict[str, Any]) -> Iterator[str]:
    """Yield the wanted fields of each row, or why they can't be used."""
    rows, text_bytes = file.metadata.num_rows, request["text_mb"] * 1_000_000
    if rows > request["rows"]:
        raise _Refused(
            f"has {rows:,} rows, and {request['rows']:,} is the limit. Split it into parts."
        )
    count = Counter(map(folded, names))
    wanted = {field: column for field, column in request["wanted"].items() if count[column]}
    for column in wanted.values():
        if count[column] > 1:
            raise _Refused(f"has more than one column named '{column}'. Rename all but one.")
    by_name = {folded(name): name for name in names}
    chosen = {field: by_name[column] for field, column in wanted.items()}
    if _unpacked_bytes(file.metadata, set(chosen.values())) > text_bytes:
        raise _Refused(_too_much(request))
    chats = {"messages"} if "messages" in chosen and _holds_chats(file, chosen["messages"]) else ()
    flat = {field: name for field, name in chosen.items() if field in chats or _is_flat(file, name)}
    others = dict.fromkeys(chosen.keys() - flat.keys(), _NOT_TEXT)
    if others.pop("messages", None) is not None and not {"question", "answer"} <= chosen.keys():
        raise _Refused("holds chats that are no lists of 'role' and 'content'. Save it as JSONL.")
    written = 0
    for cells in _cells(file, list(dict.fromkeys(flat.values())), _BATCH_ROWS):
        line = json.dumps(_fields({field: cells[name] for field, name in flat.items()}, others))
        written += len(line)
        if written > text_bytes:
            raise _Refused(_too_much(request))
        yield line
    if not flat:
        yield from [json.dumps(others)] * rows


def _fields(cells: dict[str, Any], others: dict[str, list[str]]) -> dict[str, Any] | str:
    fields: dict[str, Any] = dict(others)
    for field, cell in cells.items():
        size, limit = _size(cell), _LIMITS.get(field, MAX_ANSWER_CHARS)
        if size > max(_LONGEST_CELL_BYTES, 4 * limit):
            what = "chat" if field == "messages" else field
            return f"the {what} has {size:,} bytes, and {limit:,} characters are the limit"
        fields[field] = _text(cell)
    return fields


def _holds_chats(file: Any, name: str) -> bool:
    """Is each value of a column a list of messages, whose roles and contents are text?"""
    import pyarrow as pa

    kind = file.schema_arrow.field(name).type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    if not pa.types.is_struct(kind.value_type):
        return False
    kinds = {part.name: part.type for part in kind.value_type}
    texts = (pa.string(), pa.large_string())
    return kinds.get("role") in texts and kinds.get("content") in texts


def _preview(file: Any, names: list[str]) -> Iterator[str]:
    """Yield the first rows, as a person reads them."""
    flat = [name for name in names if _is_flat(file, name) and names.count(name) == 1]
    for number, cells in enumerate(_cells(file, flat, PREVIEW_ROWS)):
        if number == PREVIEW_ROWS:
            return
        yield json.dumps([_shown(cells[name]) if name in cells else "…" for name in names])


def _shown(cell: Any) -> str:
    if not cell.is_valid:
        return ""
    text = "…" if _size(cell) > _LONGEST_CELL_BYTES else _text(cell)
    return str(text if isinstance(text, str) else cell.as_py())[:PREVIEW_CHARS]


def _cells(file: Any, names: list[str], batch_rows: int) -> Iterator[dict[str, Any]]:
    if not names:
        return
    for batch in file.iter_batches(batch_rows, columns=names, use_threads=False):
        columns = {name: batch.column(name) for name in names}
        for place in range(batch.num_rows):
            yield {name: _plain(column[place]) for name, column in columns.items()}


def _plain(cell: Any) -> Any:
    """Return the value of a cell that stands in a dictionary of values."""
    import pyarrow as pa

    return cell.value if isinstance(cell, pa.DictionaryScalar) and cell.is_valid else cell


def _size(cell: Any) -> int:
    import pyarrow as pa

    if not cell.is_valid:
        return 0
    if isinstance(cell, pa.ListScalar):
        return int(cell.values.nbytes)
    return int(cell.as_buffer().size) if isinstance(cell, pa.BinaryScalar) else 0


def _text(cell: Any) -> Any:
    """Return a cell's text, number or chat, None where it is empty, `_NOT_TEXT` for all else."""
    import pyarrow as pa

    if not cell.is_valid:
        return None
    kind = cell.type
    if isinstance(cell, pa.ListScalar):
        return [{part: _text(turn[part]) for part in ("role", "content")} for turn in cell.values]
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        number: float = cell.as_py()
        return None if number != number else number  # how a column of floats says "empty"
    if not isinstance(cell, pa.StringScalar):
        return _NOT_TEXT
    try:
        return str(cell.as_buffer().to_pybytes(), "utf-8")
    except UnicodeDecodeError:
        return _NOT_TEXT


def _is_flat(file: Any, name: str) -> bool:
    """Does a column hold one value a row, of a size that is not the file's choice?"""
    import pyarrow as pa

    kind = file.schema_arrow.field(name).type
    return not (pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind))


def _unpacked_bytes(metadata: Any, names: set[str]) -> int:
    """Return the size of some columns as the file gives it, before any of it is unpacked."""
    chunks = (
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
    return sum(
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0] in names or chunk.path_in_schema in names
    )


def _too_much(request: dict[str, Any]) -> str:
    return f"unpacks to more than {request['text_mb']:,} MB, which is the limit. Split it."


if __name__ == "__main__":
    main()
