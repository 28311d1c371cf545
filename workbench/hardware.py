"""What this machine computes with, and in which numbers it is fast."""

import ctypes
import functools
import math
import sys
import time
from pathlib import Path
from typing import Any


def best_device() -> str:
    """Return "cuda", "mps" or "cpu", whichever is the fastest at hand."""
    if not _may_have_gpu():
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def peak_memory_gb() -> float:
    """Return the most memory that this process has held; the GPU's where there is one."""
    import torch

    if best_device() == "cuda":
        return float(torch.cuda.max_memory_allocated() / 1e9)
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e9
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its peak may be that of the process which started this one.
        kilobytes = status.read_text(encoding="ascii").partition("VmHWM:")[2].split()[0]
        return int(kilobytes) * 1024 / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


@functools.cache
def _may_have_gpu() -> bool:
    """Is there a GPU's driver? Importing PyTorch to ask takes longer than an answer."""
    if sys.platform == "darwin" or Path("/dev/kfd").exists():  # Metal; AMD's kernel driver
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


@functools.cache
def fastest_dtype(device: str) -> Any:
    """Choose the type of frozen weights by a short race: without hardware for it, bf16 is slow."""
    import torch

    if device != "cpu":
        return torch.bfloat16 if device == "cuda" else torch.float32
    return min((torch.float32, torch.bfloat16), key=_matmul_seconds)


def _matmul_seconds(dtype: Any) -> float:
    import torch

    left, right = torch.ones(1024, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - started)
    return best
