"""What a person sees: progress on stderr, tables and JSON on stdout."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from commands.options import json_wanted
from workbench.durations import time_left

_LOG_LINE_SECONDS = 10.0


class Progress:
    """Progress on stderr: in place on a terminal, a line now and then in a log."""

    def __init__(self) -> None:
        self._last_line = time.monotonic()
        self._begun: tuple[float, float] | None = None
        """When the work was first shown, and the share that was done by then."""

    def show(self, message: str, share: float) -> None:
        line = f"{share:4.0%}  {message}{self._time_left(message, share)}"
        if sys.stderr.isatty():  # cut off, as a line that is broken can't be drawn over
            line = line[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._last_line > _LOG_LINE_SECONDS:
            self._last_line = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def _time_left(self, message: str, share: float) -> str:
        """Write out how long the rest takes, unless the message says it itself."""
        now = time.monotonic()
        if self._begun is None or share < self._begun[1]:
            self._begun = now, share
        begun, before = self._begun
        left = time_left(now - begun, share - before, 1 - share)
        return f"  {left}" if left and " s left" not in message else ""

    def end(self) -> None:
        self._begun = None
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


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
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


progress = Progress()
