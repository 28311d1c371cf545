"""The process that reads documents: ``python -m rag_backend.parse.child SECONDS BYTES IDLE``.

A file that hangs a parser, fills the memory or crashes it ends this process and not the app.
It takes requests from its standard input, one frame each, and answers on its standard output. A
file may take so many seconds and bytes of memory, and after so many idle seconds it ends.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag_backend.parse.archive import unpack
from rag_backend.parse.file import parse_file
from rag_backend.parse.frames import packed, read_frame, write_frame
from rag_backend.parse.page_image import draw
from workbench.errors import DocumentError
from workbench.limits import limit_memory

_GRACE_SECONDS = 10.0
"""The app ends this process in time; where the app is gone, the system does, so much later."""


def main() -> None:
    """Answer requests until there are no more."""
    seconds, memory_bytes, idle_seconds = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limit_memory(memory_bytes)
    requests: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()

    def page_done() -> None:
        _end_after(seconds + _GRACE_SECONDS)
        write_frame(answers, {"page_done": True})

    while True:
        try:
            request = requests.get(timeout=idle_seconds)
        except queue.Empty:
            os._exit(0)
        _end_after(seconds + _GRACE_SECONDS)
        write_frame(answers, _answer(request, page_done))
        _end_after(0)


def _receive(requests: "queue.SimpleQueue[dict[str, str]]") -> None:
    while (request := read_frame(sys.stdin.buffer)) is not None:
        requests.put(request)
    # The app has ended, or wants this process to: at once, whatever it is reading.
    os._exit(0)


def _answer(request: dict[str, str], page_done: Callable[[], None]) -> dict[str, Any]:
    path, name = Path(request["path"]), request["name"]
    try:
        if "page" in request:
            drawn = draw(path, name, int(request["page"]), request["texts"].split("\0"))
            (Path(request["folder"]) / "page.png").write_bytes(drawn)
            return {}
        if "folder" in request:
            return {"members": unpack(path, name, Path(request["folder"]))}
        return packed(parse_file(path, name, page_done))
    except DocumentError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"out_of_memory": True}


def _end_after(seconds: float) -> None:
    """Have the system end this process after a time, even within C code; 0 is never."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
