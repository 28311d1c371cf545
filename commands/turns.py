"""Waiting for a long work's turn, and pausing it by Ctrl-C."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from commands.shown import progress
from workbench.errors import RagtuneError

POLL_SECONDS = 0.5


@contextlib.contextmanager
def paused_by_ctrl_c(folder: Path, command: str, go_on: str = "") -> Iterator[None]:
    """Let Ctrl-C take a run or a sweep out of the queue, or pause it.

    Args:
        folder: its folder.
        command: what lets it go on with ``--resume`` and its name.
        go_on: the whole command that lets it go on, where it is another.
    """
    from finetune_backend import queue
    from workbench import jobs

    try:
        yield
    except KeyboardInterrupt:
        progress.end()
        if queue.leave(folder):
            print(f"{folder.name} left the queue.", file=sys.stderr)
            raise
        jobs.pause(folder)
        again = go_on or f"{command} --resume {folder.name}"
        print(f"Pausing; go on with `ragtune {again}`.", file=sys.stderr)
        raise
    finally:
        progress.end()


def wait_for_turn(folder: Path) -> None:
    """Wait until a run or a sweep has left the queue, and say what it waits for."""
    from finetune_backend import queue
    from workbench import jobs

    told = ""
    while folder.exists() and jobs.read(folder).queued:
        queue.start_next(queue.home_of(folder))
        ahead = ", ".join(queue.title(one) for one in queue.before(folder))
        if ahead and ahead != told:
            told = ahead
            progress.end()
            print(f"{folder.name} waits for {ahead}", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)
    if not folder.exists():
        raise RagtuneError(f"{folder.name} was deleted while it waited for its turn.")
