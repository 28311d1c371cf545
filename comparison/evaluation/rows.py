"""The rows of an evaluation: a line for each answer, added as it is made."""

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path

from comparison.scoring import Row
from workbench.errors import RagtuneError
from workbench.files import writing

_FILE = "rows.jsonl"


def read_rows(folder: Path) -> Sequence[Row]:
    """Return the rows there are, in the order of the questions; of one asked again, the last.

    Raises:
        RagtuneError: the file is damaged.
    """
    return _read(folder, version(folder))


def version(folder: Path) -> tuple[int, int]:
    """Return what changes with the rows."""
    try:
        told = (folder / _FILE).stat()
    except FileNotFoundError:
        return 0, 0
    return told.st_size, told.st_mtime_ns


@functools.lru_cache(maxsize=2)
def _read(folder: Path, version: tuple[int, int]) -> tuple[Row, ...]:
    if version == (0, 0):
        return ()
    file = folder / _FILE
    # The last line may still be on its way to the disk.
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    rows: dict[tuple[int, str], Row] = {}
    for number, line in enumerate(whole.split(b"\n") if whole else (), start=1):
        try:
            row = json.loads(line)
            rows[row["number"], row["column"]] = row
        except (ValueError, KeyError, TypeError) as error:
            raise RagtuneError(
                f"Line {number} of {file} is damaged: an answer was expected there. Delete that "
                "line and let the evaluation go on, or start a new one."
            ) from error
    return tuple(sorted(rows.values(), key=lambda row: row["number"]))


def mend_rows(folder: Path) -> None:
    """Drop what a kill left of a line, so that the next one begins on its own."""
    file = folder / _FILE
    if file.exists():
        with file.open("r+b") as rows:
            end = rows.read().rfind(b"\n") + 1
            rows.truncate(end)


def add_row(folder: Path, row: Row) -> None:
    """Add a row, on the disk before this returns.

    Raises:
        RagtuneError: the disk is full or can't be written.
    """
    line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    file = folder / _FILE
    with writing(file), file.open("ab") as rows:
        rows.write(line)
        rows.flush()
        os.fsync(rows.fileno())
