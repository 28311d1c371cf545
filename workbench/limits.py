"""Limits that a process sets itself before it reads what may be hostile."""

import sys


def limit_memory(limit_bytes: int) -> None:
    """Let this process hold no more memory than this; Windows has no such limits."""
    if sys.platform == "win32":
        return
    import resource

    # What a process may write to. The address space (RLIMIT_AS) says less: ONNX Runtime reserves
    # much of it and uses little.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
