"""The steps that a fine-tune has made: a line for each in its folder."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from finetune_backend.lora import Step
from finetune_backend.saved import Reached
from workbench.files import write_bytes

_FILE = "steps.jsonl"


def read_steps(folder: Path) -> list[Step]:
    """Return the steps that a run has made so far, oldest first."""
    file = folder / _FILE
    if not file.exists():
        return []
    # The last line may still be on its way to the disk.
    whole, _, _ = file.read_text(encoding="utf-8").rpartition("\n")
    return [Step(**json.loads(line)) for line in whole.splitlines()]


def steps_before(folder: Path, reached: Reached) -> list[Step]:
    """Return the steps up to a saved state, and forget those after it: they are made again."""
    steps = [step for step in read_steps(folder) if step.step <= reached.step]
    write_bytes(folder / _FILE, "".join(map(_line, steps)).encode())
    return steps


@contextlib.contextmanager
def adding_steps(folder: Path) -> Iterator[Callable[[Step], None]]:
    """Give what adds a step, which others can read at once."""
    with (folder / _FILE).open("a", encoding="utf-8") as file:

        def add(step: Step) -> None:
            file.write(_line(step))
            file.flush()

        yield add


def _line(step: Step) -> str:
    return json.dumps(asdict(step)) + "\n"
