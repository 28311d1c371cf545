"""Long work in its own process: it outlives the page, and its state is on disk.

A job is a folder. The process that works on it holds the folder's lock, which the
system frees however the process ends, so "running" can't be claimed by a dead one.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from workbench.errors import RagtuneError
from workbench.files import disk_sentence, read_json, write_bytes, write_json
from workbench.home import Home

HEARTBEAT_SECONDS = 2.0
_STARTING_SECONDS = 60.0
_STARTING_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.5
_PID = "pid"
_RESERVE = ".reserve"
_RESERVE_BYTES = 64_000
"""Held while a job works and given up at its end, so that a full disk has room for the reason."""
PATIENT = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "1"}
"""Lets PyTorch's threads sleep soon where they wait for each other. By default they spin, which
keeps the processor from others: a fine-tune beside another program takes four times as long as
alone. With this it takes under three times as long, and alone 5 % longer. Less patience than
this costs a fifth alone, more helps less beside others."""
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Asks Linux for large pages where much memory is taken at once. They are found faster: a fine-tune
takes a twentieth less of the processor's time."""
_OF_TORCHRUN = (
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "ROLE_NAME", "MASTER_ADDR", "MASTER_PORT"),
    *("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE"),
)
"""What torchrun tells its processes; a job that one of them starts is not one of those."""


State = Literal[
    "queued", "starting", "running", "done", "failed", "cancelled", "paused", "interrupted"
]


@dataclass(frozen=True, slots=True)
class JobState:
    """What is known of a job."""

    state: State
    message: str = ""
    """What it is doing, or why it ended."""
    heartbeat_age_seconds: float = 0.0
    share: float = 0.0
    """How much of it is done, from 0 to 1, where the work tells."""

    @property
    def active(self) -> bool:
        """Is a process working on it, or about to?"""
        return self.state in ("starting", "running")

    @property
    def queued(self) -> bool:
        """Does it wait until others have ended?"""
        return self.state == "queued"

    @property
    def ended(self) -> bool:
        """Is it neither at work nor waiting?"""
        return not (self.active or self.queued)

    @property
    def stopped(self) -> bool:
        """Did it end before its time, in a way that it can go on from?"""
        return self.state in ("paused", "interrupted", "failed")


class Cancelled(Exception):
    """The job was asked to stop."""


class Paused(Exception):
    """The job was asked to stop and may be started again, to go on."""


def start(folder: Path, module: str, processes: int = 1) -> None:
    """Start ``python -m module folder`` as a process of its own.

    Args:
        folder: the job's folder, made by the caller with what the work needs.
        module: calls `working` on the folder.
        processes: where more than one, torchrun starts so many and ends them together;
            the first of them works on the folder.
    """
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    for old in ("cancel", "pause", _PID):
        (folder / old).unlink(missing_ok=True)
    write_json(folder / "state.json", {"state": "starting", "message": "Starting"})
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *(torchrun if processes > 1 else ()), "-m", module, str(folder)],
            cwd=folder,
            env={**PATIENT, **LARGE_PAGES, **_environment()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / _PID).write_text(str(process.pid), encoding="utf-8")
    # Whoever outlives the job takes note of its end, so that it leaves no zombie.
    threading.Thread(target=process.wait, daemon=True).start()


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_TORCHRUN and not name.startswith("TORCHELASTIC_")
    }


def read(folder: Path) -> JobState:
    """Return the job's state; one that was killed reads as "interrupted"."""
    saved = read_json(folder / "state.json")
    state, message = saved["state"], saved["message"]
    age = time.time() - (folder / "state.json").stat().st_mtime
    late = age > _STARTING_SECONDS or _gone(folder)
    if state == "running" or (state == "starting" and late):
        with contextlib.suppress(OSError):
            age = time.time() - (folder / "heartbeat").stat().st_mtime
        if not _held(folder):
            # It may have ended properly since its state was read.
            saved = read_json(folder / "state.json")
            state, message = saved["state"], saved["message"]
            if state in ("starting", "running"):
                state = "interrupted"
                message = f"The process ended unexpectedly; see {folder / 'log.txt'}."
    return JobState(state, message, max(0.0, age), saved.get("share", 0.0))


def start_once(home: Home, name: str, module: str) -> Path:
    """Start the home's job of this name, unless it is at work, and return its folder."""
    folder = home.folder / name
    with home.lock(f"start-{name}", _STARTING_LOCK_SECONDS, "It is being started elsewhere."):
        folder.mkdir(exist_ok=True)
        if not at_work(folder):
            start(folder, module)
    return folder


def at_work(folder: Path) -> bool:
    """Was a job started in a folder, and has not ended?"""
    return (folder / "state.json").exists() and read(folder).active


def follow(folder: Path, progress: Callable[[str, float], object]) -> None:
    """Wait for a job's end.

    Args:
        folder: the job's.
        progress: called with what is being done, and the share that is done.

    Raises:
        RagtuneError: it did not end well; with its reason.
    """
    while (state := read(folder)).active:
        progress(state.message, state.share)
        time.sleep(_POLL_SECONDS)
    if state.state != "done":
        raise RagtuneError(state.message)


def cancel(folder: Path) -> None:
    """Ask the job to stop; it does so at its next step."""
    (folder / "cancel").touch()


def pause(folder: Path) -> None:
    """Ask the job to stop where it can go on from; `start` lets it go on."""
    (folder / "pause").touch()


def asked_to_pause(folder: Path) -> bool:
    """Was the job asked to pause, and did not yet go on?"""
    return (folder / "pause").exists()


class Job:
    """The working side of a job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def say(self, message: str, share: float = 0.0) -> None:
        """Record what is being done now, and how much of all is done, from 0 to 1.

        Raises:
            Cancelled, Paused: the job was asked to stop.
        """
        self.check()
        self._save("running", message, share)

    def check(self) -> None:
        """Raise `Cancelled` or `Paused` where the job was asked to stop."""
        if (self.folder / "cancel").exists():
            raise Cancelled
        if asked_to_pause(self.folder):
            raise Paused

    def _save(self, state: State, message: str, share: float = 0.0) -> None:
        saved = {"state": state, "message": message, "share": share}
        write_json(self.folder / "state.json", saved)

    def _end(self, state: State, message: str) -> None:
        (self.folder / _RESERVE).unlink(missing_ok=True)
        self._save(state, message)


@contextlib.contextmanager
def working(folder: Path) -> Iterator[Job]:
    """Hold the job's lock, beat its heart, and record how it ended.

    The body's normal end is "done"; `Cancelled` is "cancelled"; `Paused` is "paused"; a
    `RagtuneError` is "failed" with its sentence; any other error is "failed", with a traceback
    in the log.
    """
    job, ended = Job(folder), threading.Event()
    with FileLock(folder / ".lock", timeout=10):
        threading.Thread(target=_beat, args=(folder, ended), daemon=True).start()
        try:
            # At random, since some disks keep nothing of zeros.
            write_bytes(folder / _RESERVE, os.urandom(_RESERVE_BYTES))
            # Whoever was asked to stop by now hears so at its first word: the body must begin.
            job._save("running", "Starting")
            yield job
            job._end("done", "Done")
        except Cancelled:
            job._end("cancelled", "Cancelled")
        except Paused:
            job._end("paused", "Paused")
        except RagtuneError as error:
            job._end("failed", str(error))
        except BaseException as error:
            reason = disk_sentence(error, folder) or (
                f"{type(error).__name__}: {error}. Details are in {folder / 'log.txt'}."
            )
            job._end("failed", reason)
            raise
        finally:
            ended.set()


def _beat(folder: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_SECONDS):
        # A full disk must not stop the work: the heartbeat is only for show.
        with contextlib.suppress(OSError):
            (folder / "heartbeat").touch()


def _gone(folder: Path) -> bool:
    """Did the process end that was started last? It may not have got as far as to say so."""
    try:
        os.kill(int((folder / _PID).read_text(encoding="utf-8")), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):  # not started yet, or another user's
        return False
    return False


def _held(folder: Path) -> bool:
    probe = FileLock(folder / ".lock")
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return True
    probe.release()
    return False
