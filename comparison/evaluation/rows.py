"""The rows of an evaluation: a line for each answer, added as it is made."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path

from comparison.scoring import Row
from workbench.errors import RagtuneError
from workbench.json_lines import add_line, changes_with, mend_lines, whole_lines

_FILE = "rows.jsonl"


def read_rows(folder: Path) -> Sequence[Row]:
    """Return the rows there are, in the order of the questions; of one asked again, the last.

    Raises:
        RagtuneError: the file is damaged.
    """
    return _read(folder, version(folder))


def version(folder: Path) -> tuple[int, int]:
    """Return what changes with the rows."""
    return changes_with(folder / _FILE)


@functools.lru_cache(maxsize=2)
def _read(folder: Path, _version: tuple[int, int]) -> tuple[Row, ...]:
    file = folder / _FILE
    rows: dict[tuple[int, str], Row] = {}
    for number, line in enumerate(whole_lines(file), start=1):
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
    """Drop what a kill left of a row; see `mend_lines`."""
    mend_lines(folder / _FILE)


def add_row(folder: Path, row: Row) -> None:
    """Add a row; see `add_line`."""
    add_line(folder / _FILE, row)
