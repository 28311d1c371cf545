"""The app's side of the process that reads documents: it starts, asks, limits and ends it."""

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag_backend.parse.frames import read_frame, write_frame
from rag_backend.parse.limits import (
    IDLE_SECONDS,
    MAX_FILES_PER_PROCESS,
    MAX_MEMORY_BYTES,
    MAX_SECONDS,
)
from workbench.errors import DocumentError

Check = Callable[[], None]
"""Called several times a second while a file is read; what it raises ends the reading."""
_CHECK_SECONDS = 0.2
_ENDING_SECONDS = 5.0
_HARD_LIMIT = 1.5
"""How many times the limit the system gives to the process. This side looks at what it uses and
ends it in time: where the system refuses each small piece, Python was seen to hang."""
_FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "4"}
"""What a thread may use counts as memory, and on a large machine these would start many."""
_ROOT = Path(__file__).resolve().parents[2]


class Reader:
    """Reads files in a process of its own, one at a time; threads take turns.

    The process is started for the first file, used for the next ones, and replaced when it has
    ended. It ends with this one, however this one ends, and when it is idle.
    """

    def __init__(
        self,
        seconds: float = MAX_SECONDS,
        memory_bytes: int = MAX_MEMORY_BYTES,
        files: int = MAX_FILES_PER_PROCESS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._idle_seconds = idle_seconds
        self._files = files
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def ask(self, request: dict[str, str], name: str, check: Check | None = None) -> dict[str, Any]:
        """Return the process's answer to a request about the document ``name``.

        Raises:
            DocumentError: the file was refused, took too long or too much memory, or ended the
                process.
        """
        check = check or (lambda: None)
        while not self._turn.acquire(timeout=_CHECK_SECONDS):
            check()
        try:
            # Twice, because an idle process may end just as the request comes.
            answer = self._ask(request, name, check) or self._ask(request, name, check)
            if answer is None:
                raise _ended(name, "without an answer")
        except BaseException:
            self.close()
            raise
        finally:
            self._turn.release()
        if "refused" in answer:
            raise DocumentError(answer["refused"])
        return answer

    def close(self) -> None:
        """End the process, also while it reads; the next request starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _ask(self, request: dict[str, str], name: str, check: Check) -> dict[str, Any] | None:
        """Return the answer, or None where the process ended by itself before it read."""
        child = self._child
        if child is None or child.ended or child.files >= self._files:
            self.close()
            child = self._child = _Child(
                self._seconds, int(_HARD_LIMIT * self._memory_bytes), self._idle_seconds
            )
        child.send(request)
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                answer = child.answers.get(timeout=_CHECK_SECONDS)
            except queue.Empty:
                check()
                if child.memory_bytes() > self._memory_bytes:
                    raise self._too_large(name) from None
                if time.monotonic() > deadline:
                    raise DocumentError(
                        f"{name} was refused: reading it took longer than {self._seconds:g} s, "
                        "which is the limit: split it into smaller files, or save it again with "
                        "the program that made it, and add that."
                    ) from None
                continue
            if answer is None:
                status = child.status()
                if status == 0:
                    return None
                how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
                raise _ended(name, how)
            if "out_of_memory" in answer:
                raise self._too_large(name)
            if "page_done" not in answer:
                return dict(answer)
            deadline = time.monotonic() + self._seconds

    def _too_large(self, name: str) -> DocumentError:
        return DocumentError(
            f"{name} was refused: reading it needs more than {self._memory_bytes / 1024**3:.2g} GB "
            "of memory, which is the limit: split it into smaller files and add those."
        )


class _Child:
    """One process, and a thread that takes its answers as they come."""

    def __init__(self, *limits: float) -> None:
        self.files = 0
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        """None comes last, when the process has ended."""
        # From the folder of this package, so that both run the same code.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rag_backend.parse.child", *map(str, limits)],
            cwd=_ROOT,
            env={**_FEW_THREADS, **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, request: dict[str, str]) -> None:
        self.files += 1
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, and the answers tell so
            write_frame(self._process.stdin, request)

    def memory_bytes(self) -> int:
        import psutil

        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0  # it has ended

    def status(self) -> int:
        """Return how the process ended after its last answer; negative is a signal's number."""
        try:
            return self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # of a request that it did not take
            self._process.stdin.close()

    def _receive(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe, contextlib.suppress(ValueError, RecursionError):
            while (answer := read_frame(pipe)) is not None:
                self.answers.put(answer)
        self.answers.put(None)


def _ended(name: str, how: str) -> DocumentError:
    return DocumentError(
        f"{name} was refused: the program that reads documents broke down over it ({how}): save "
        "it again with the program that made it, or split it, and add that."
    )


READER = Reader()
"""The one that the app uses."""
atexit.register(READER.close)
