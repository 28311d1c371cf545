"""What a person sees: progress on stderr, tables and JSON on stdout."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commands.options import json_wanted
from workbench.durations import said_left, time_left

_LOG_LINE_SECONDS = 10.0
_LOADING_SHARE = 0.05
"""What comes before the first such share is loading, which says nothing of the speed."""

_SMALL = 0.01
"""Of a smaller number, a learning rate for example, three decimals leave little or nothing."""


class Progress:
    """Progress on stderr: in place on a terminal, a line now and then in a log."""

    def __init__(self) -> None:
        self._last_line = time.monotonic()
        self._begun: tuple[float, float] | None = None
        """When the work was first shown, and the share that was done by then."""

    def show(self, message: str, share: float, seconds_left: float | None = None) -> None:
        """Show how far some work is, and how long the rest takes.

        Args:
            message: what is being done.
            share: that is done, from 0 to 1.
            seconds_left: where that is known better than from the share.
        """
        left = self._time_left(share) if seconds_left is None else said_left(seconds_left)
        line = "  ".join(filter(None, (f"{share:4.0%}", left, message)))
        if sys.stderr.isatty():  # cut off, as a line that is broken can't be drawn over
            line = line[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._last_line > _LOG_LINE_SECONDS:
            self._last_line = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def _time_left(self, share: float) -> str:
        now = time.monotonic()
        begun, before = self._begun or (now, share)
        loading = before == 0 < share <= _LOADING_SHARE
        if self._begun is None or share < before or loading:
            self._begun = begun, before = now, share
        return time_left(now - begun, share - before, 1 - share)

    def end(self) -> None:
        self._begun = None
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def tell_written(options: argparse.Namespace, files: Sequence[Path]) -> None:
    """Say which files were written."""
    if json_wanted(options):
        print_json({"files": list(map(str, files))})
    else:
        print("\n".join(f"written   {file}" for file in files))


def tell_deleted(options: argparse.Namespace, name: str) -> None:
    """Say what was deleted."""
    if json_wanted(options):
        print_json({"deleted": name})
    else:
        print(f"deleted   {name}")


def show(
    options: argparse.Namespace, rows: list[dict[str, Any]], columns: Sequence[str], empty: str
) -> None:
    """Print rows as JSON, or as a table of the given columns."""
    if json_wanted(options):
        print_json(rows)
    elif not rows:
        print(empty)
    else:
        print("\n".join(table(rows, columns)))


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return the lines of a table of the given columns, under their names."""
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    lines = [list(columns), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines
    ]


def cell(value: Any) -> str:
    if value is None:
        return "–"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if 0 < abs(value) < _SMALL else f"{value:.3f}"


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


progress = Progress()
