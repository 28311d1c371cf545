"""What a running experiment tells: how far it is, and its answers, which are kept at once."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag_backend.documents import Progress
from workbench.files import writing

ROWS = "rows.jsonl"


class Keeper:
    """Keeps rows in the experiment's folder; those that an earlier process kept are there."""

    def __init__(
        self,
        folder: Path,
        say: Callable[[str, float], object],
        check: Callable[[], object] = lambda: None,
    ) -> None:
        """Read what is there.

        Args:
            folder: the experiment's.
            say: told what is being done and the share that is done, from 0 to 1.
            check: raises where the experiment is to stop.
        """
        self.folder = folder
        self._say, self._check = say, check
        self._expected, self._besides = 0.0, 0.0
        self.rows = read_rows(folder)
        # A kill may have left half a line at the end.
        _write(folder / ROWS, "w", "".join(map(_line, self.rows)))

    def check(self) -> None:
        """Raise where the experiment is to stop."""
        self._check()

    def expect(self, answers: int, besides: float = 0.0) -> None:
        """Set how many rows there will be, and how much other work, in rows that take as long."""
        self._expected = answers + besides

    def say(self, message: str, _share: float = 0.0) -> None:
        """Tell what is being done; how much is done is told by the rows and the other work."""
        self._check()
        done = len(self.rows) + self._besides
        self._say(message, min(1.0, done / self._expected) if self._expected else 0.0)

    def other_work(self, size: float) -> Progress:
        """Return the progress of other work, of which a part is done now.

        Args:
            size: of the part, in rows that take as long.
        """
        before = self._besides

        def tell(message: str, share: float) -> None:
            self._besides = max(self._besides, before + size * share)  # some begin again at 0
            self.say(message)

        return tell

    def keep(self, row: dict[str, Any]) -> None:
        """Keep a row: it is on the disk when this returns."""
        _write(self.folder / ROWS, "a", _line(row))
        self.rows.append(row)

    def answered(self, stage: str, number: int) -> dict[str, dict[str, Any]]:
        """Return the rows of a question at a stage, by their methods."""
        return {
            row["method"]: row
            for row in self.rows
            if row["stage"] == stage and row["number"] == number
        }


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows that an experiment has kept so far."""
    file = folder / ROWS
    if not file.exists():
        return []
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.decode().split("\n") if line]


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _write(file: Path, mode: str, text: str) -> None:
    with writing(file), file.open(mode, encoding="utf-8", newline="\n") as rows:
        rows.write(text)
        rows.flush()
        os.fsync(rows.fileno())
