"""Several streams read at once: each in a thread, all of them into one."""

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.1


def together(streams: Sequence[Generator[T]], at_once: int) -> Generator[T | None]:
    """Yield what several generators yield, as it comes; None now and then while nothing does.

    A generator begins when a thread is free for it, in the order given. Closing this one
    closes all of them, each as soon as it yields again; it doesn't wait for that, so that
    whoever says stop has stopped.

    Args:
        streams: generators that raise nothing.
        at_once: how many of them run at the same time.
    """
    line, items = deque(streams), queue.SimpleQueue[T | _End]()
    stopped = threading.Event()

    def work() -> None:
        with contextlib.suppress(IndexError):  # the line is empty
            while not stopped.is_set():
                with contextlib.closing(line.popleft()) as stream:
                    for item in stream:
                        if stopped.is_set():
                            break
                        items.put(item)
        items.put(_End())

    workers = min(at_once, len(streams))
    for _ in range(workers):
        threading.Thread(target=work, daemon=True).start()
    try:
        while workers:
            try:
                item = items.get(timeout=POLL_SECONDS)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, _End):
                workers -= 1
            else:
                yield item
    finally:
        stopped.set()


class _End:
    """A thread has nothing left to do."""
