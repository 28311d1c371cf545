"""The process that indexes beside the app: ``python -m rag_backend.ingest.process HOME/ingest``.

It works through the line of incoming files and watches folders. With nothing to do it ends
after a while; while folders are watched it lives as long as the process that started it.
"""

import os
import sys
import time
from pathlib import Path

from rag_backend.ingest.watch import scan, watched
from rag_backend.knowledge_base import KnowledgeBase
from workbench import jobs
from workbench.home import Home, open_home
from workbench.jobs import JobState
from workbench.storage import Database

_IDLE_SECONDS = 60.0
"""Starting again would take two seconds, and files often come one after the other."""
_POLL_SECONDS = 0.3
_SCAN_SECONDS = 5.0
_LOCK_SECONDS = 10.0


def state(home: Home) -> JobState | None:
    """Return how the process fares; None where there never was one."""
    folder = home.folder / "ingest"
    return jobs.read(folder) if (folder / "state.json").exists() else None


def ensure(home: Home, knowledge_base: KnowledgeBase, *, again: bool = False) -> None:
    """Start the process where there is something for it to do and none is running.

    Args:
        home: the home folder.
        knowledge_base: the one in it.
        again: also where the last one failed, which a person has read by now.
    """
    if not (knowledge_base.incoming.waiting() or watched(knowledge_base)):
        return
    with home.lock("ingest-start", _LOCK_SECONDS, "The indexing is being started elsewhere."):
        last = state(home)
        if last is not None and (last.active or (last.state == "failed" and not again)):
            return
        folder = home.folder / "ingest"
        folder.mkdir(exist_ok=True)
        jobs.start(folder, "rag_backend.ingest.process")


def main() -> None:
    """Work until there is nothing more to do."""
    folder, parent = Path(sys.argv[1]), os.getppid()
    home = open_home(folder.parent)
    with jobs.working(folder) as job:
        knowledge_base = KnowledgeBase(home, Database(home))
        next_scan, idle_since = 0.0, time.monotonic()
        while True:
            job.check()
            now = time.monotonic()
            folders = watched(knowledge_base)
            if folders and now >= next_scan:
                for one in folders:
                    scan(knowledge_base, one)
                next_scan = time.monotonic() + _SCAN_SECONDS
            if knowledge_base.incoming.waiting():
                knowledge_base.work()
                idle_since = time.monotonic()
            # A process whose parent has ended is given another one.
            elif now - idle_since > _IDLE_SECONDS and not (folders and os.getppid() == parent):
                break
            time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main()
