"""Files of JSON lines that grow: each line is on the disk before the next one begins."""

import json
import os
from pathlib import Path
from typing import Any

from workbench.files import writing


def whole_lines(file: Path) -> list[bytes]:
    """Return the lines there are; the last may still be on its way to the disk."""
    if not file.exists():
        return []
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    return whole.split(b"\n") if whole else []


def mend_lines(file: Path) -> None:
    """Drop what a kill left of a line, so that the next one begins on its own."""
    if file.exists():
        with file.open("r+b") as lines:
            end = lines.read().rfind(b"\n") + 1
            lines.truncate(end)


def add_line(file: Path, value: Any) -> None:
    """Add a value as a line, on the disk before this returns.

    Raises:
        RagtuneError: the disk is full or can't be written.
    """
    line = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    with writing(file), file.open("ab") as lines:
        lines.write(line)
        lines.flush()
        os.fsync(lines.fileno())


def changes_with(file: Path) -> tuple[int, int]:
    """Return what changes with a file: its size and its time; zeros where there is none."""
    try:
        told = file.stat()
    except FileNotFoundError:
        return 0, 0
    return told.st_size, told.st_mtime_ns
