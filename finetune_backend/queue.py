"""The queue: one fine-tune or sweep has the machine, and the others wait for it in a line.

What waits says so in its own folder, which survives a restart. Whoever ends lets the next one
start, and so does whoever looks, since one that was killed can't. An experiment that trains stands
in no line: it takes the machine for each of its fine-tunes where nobody has it or waits for it.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune_backend.steps import read_steps
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.home import Home

_FILE = "queued.json"
_LOCK = "start-run"
TRAINED = "trained"
"""Where an experiment has its fine-tunes, in its folder."""
_MODULES = {"runs": "finetune_backend.train_process", "sweeps": "finetune_backend.sweep.process"}
"""What works on a folder, by where it is."""
LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for its turn."""

    folder: Path
    place: float
    """Smaller is earlier."""
    processes: int
    """To train together; see `workbench.jobs.start`."""
    before: dict[str, Any] | None
    """The state that it had before it waited; None where it was never started."""


@contextlib.contextmanager
def changing(home: Home) -> Iterator[None]:
    """Let nobody else start or queue anything meanwhile; at the end the next one starts.

    Raises:
        RagtuneError: somebody else is at it for too long.
    """
    busy = "Another fine-tune is being started; try again."
    with home.lock(_LOCK, LOCK_SECONDS, busy):
        yield
        _start_first(home)


def put(folder: Path, processes: int = 1) -> None:
    """Put a job at the end of the line; to be called inside `changing`.

    Args:
        folder: the job's, under the home's ``runs`` or ``sweeps``.
        processes: to train together; see `workbench.jobs.start`.
    """
    line = waiting(home_of(folder))
    state = folder / "state.json"
    entry = {
        "place": line[-1].place + 1 if line else 0,
        "processes": processes,
        "before": read_json(state) if state.exists() else None,
    }
    write_json(folder / _FILE, entry)
    write_json(state, {"state": "queued", "message": "Waits for its turn"})


def holder(home: Home) -> Path | None:
    """Return the folder of what is at work, or None where the machine is free."""
    folders = itertools.chain(
        home.runs.glob("*"), home.sweeps.glob("*"), home.experiments.glob(f"*/{TRAINED}/*")
    )
    return next((folder for folder in folders if jobs.at_work(folder)), None)


def take(home: Home, folder: Path) -> bool:
    """Take the machine for a job of this process, which is to begin at once.

    Args:
        home: where.
        folder: the job's.

    Returns:
        False where somebody else has the machine, or waits for it.

    Raises:
        RagtuneError: somebody else changes the queue for too long.
    """
    with changing(home):
        free = holder(home) is None and not waiting(home)
        if free:
            write_json(folder / "state.json", {"state": "starting", "message": "Starting"})
    return free


def waiting(home: Home) -> list[Waiting]:
    """Return what waits, in the order in which it will start."""
    files = (file for place in (home.runs, home.sweeps) for file in place.glob(f"*/{_FILE}"))
    found = []
    for file in files:
        # A kill between a start and the end of its wait leaves the file.
        with contextlib.suppress(FileNotFoundError):
            if jobs.read(file.parent).queued:
                found.append(Waiting(folder=file.parent, **read_json(file)))
    return sorted(found, key=lambda one: one.place)


def before(folder: Path) -> list[Path]:
    """Return what has to end before a waiting job's turn comes, the first to end first."""
    home = home_of(folder)
    line = [one.folder for one in waiting(home)]
    ahead = line[: line.index(folder)] if folder in line else []
    return [*filter(None, [holder(home)]), *ahead]


def start_next(home: Home, patience_seconds: float = 0.0) -> None:
    """Let the next one start, where nothing is at work.

    Args:
        home: where.
        patience_seconds: to wait for somebody else who is starting something, and will let
            the next one start just as well.
    """
    if waiting(home) and holder(home) is None:
        with contextlib.suppress(RagtuneError), home.lock(_LOCK, patience_seconds, ""):
            _start_first(home)


def to_front(folder: Path) -> None:
    """Let a waiting job be the next one to start; one that has started meanwhile goes on.

    Raises:
        RagtuneError: somebody else changes the queue for too long.
    """
    home = home_of(folder)
    with changing(home):
        line = waiting(home)
        for one in line:
            if one.folder == folder:
                write_json(folder / _FILE, {**read_json(folder / _FILE), "place": _earlier(line)})


def leave(folder: Path) -> bool:
    """Take a waiting job out of the line; return False where it doesn't wait (any more).

    One that was paused is paused again; one that never started is cancelled.
    """
    home = home_of(folder)
    with changing(home):
        for one in waiting(home):
            if one.folder == folder:
                cancelled = {"state": "cancelled", "message": "Taken out of the queue"}
                write_json(folder / "state.json", one.before or cancelled)
                (folder / _FILE).unlink(missing_ok=True)
                return True
    return False


def home_of(folder: Path) -> Home:
    """Return the home in which a run or a sweep has its folder."""
    return Home(folder.parent.parent)


def title(folder: Path) -> str:
    """Name what has the machine or waits: "adapter-1", "sweep rates", "experiment wordings-1"."""
    if folder.parent.name == TRAINED:
        return f"experiment {folder.parent.parent.name}"
    return folder.name if folder.parent.name == "runs" else f"sweep {folder.name}"


def seconds_left(folder: Path) -> float | None:
    """Return how long a run or a sweep still takes: by its steps, or as was estimated before."""
    if steps := read_steps(folder):
        return steps[-1].seconds_left
    for file in (folder / "run.json", folder / "sweep.json"):
        if file.exists() and (expected := read_json(file).get("estimate")):
            return float(expected["seconds"])
    return None


def starts_in_seconds(folder: Path) -> float | None:
    """Return when a waiting job's turn is expected; None where that can't be told."""
    left = [seconds_left(one) for one in before(folder)]
    return None if None in left else sum(filter(None, left))


def _start_first(home: Home) -> None:
    line = waiting(home)
    if line and holder(home) is None:
        first = line[0]
        jobs.start(first.folder, _MODULES[first.folder.parent.name], first.processes)
        (first.folder / _FILE).unlink(missing_ok=True)


def _earlier(line: list[Waiting]) -> float:
    return line[0].place - 1
