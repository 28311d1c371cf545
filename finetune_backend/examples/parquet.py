"""The rows of a Parquet file, read by a process of their own.

Parquet packs so well that a small file may hold more than the memory, and it is read by C++: a
file that is too much for either ends that process and not the app.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune_backend.examples.columns import Preview, folded, names_pair, unnamed, wanted_columns
from finetune_backend.examples.rows import Row
from workbench.errors import ExamplesError

SECONDS = 60
MEMORY_BYTES = 1_500_000_000
MAX_TEXT_MB = 100
"""Unpacked, of the columns that are read."""

_ROOT = Path(__file__).resolve().parent.parent.parent


def parquet_rows(
    data: bytes, name: str, columns: Mapping[str, str], most_rows: int
) -> Iterator[Row]:
    """Yield the rows of a Parquet file, counted from 1.

    Args:
        data: the file.
        name: of the file.
        columns: see `wanted_columns`.
        most_rows: with more, the file is refused before it is read.

    Raises:
        ExamplesError: it can't be read, is too large, or lacks a question or an answer.
    """
    wanted = wanted_columns(columns)
    there, rows = _read(data, name, {"preview": False, "wanted": wanted, "rows": most_rows})
    if not names_pair(wanted, {folded(one) for one in there}):
        raise unnamed(wanted, there, name)
    yield from enumerate(rows, start=1)


def parquet_preview(data: bytes, name: str) -> Preview:
    """Return the columns of a Parquet file and its first rows; see `parquet_rows`."""
    there, rows = _read(data, name, {"preview": True, "wanted": wanted_columns({})})
    return Preview(tuple(there), tuple(tuple(row) for row in rows))


def _read(data: bytes, name: str, request: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """Return the columns that there are, and what the other process makes of the rows."""
    request |= {"memory_bytes": MEMORY_BYTES, "text_mb": MAX_TEXT_MB}
    try:
        # From the folder of this package, so that both run the same code.
        ended = subprocess.run(
            [sys.executable, "-m", "finetune_backend.examples.parquet_process"],
            cwd=_ROOT,
            input=json.dumps(request).encode() + b"\n" + data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExamplesError(
            f"'{name}' takes longer than {SECONDS} s to read. Split it into parts."
        ) from error
    if ended.returncode:
        raise ExamplesError(
            f"'{name}' can't be read: it is damaged, or needs too much memory. "
            "Save it again, or as CSV or JSONL."
        )
    head, *rows = [json.loads(line) for line in ended.stdout.splitlines()]
    if "refused" in head:
        raise ExamplesError(f"'{name}' {head['refused']}")
    return head["columns"], rows
