"""The document that every benchmark prints."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any


def figure(
    name: str,
    value: float | None,
    unit: str,
    better: str,
    target: float,
    *,
    runs: Sequence[float] = (),
    why: str | None = None,
    peer: str | None = None,
) -> dict[str, Any]:
    """Return one figure.

    Args:
        name: as it was asked for.
        value: what was measured; None where it could not be.
        unit: "s", "share", "x" …
        better: "higher" or "lower".
        target: what was asked for.
        runs: the single measurements; ``value`` is their median where the benchmark doesn't say
            that it is another.
        why: the reason, where there is no value.
        peer: what it was measured against.
    """
    made = {"name": name, "value": value, "unit": unit, "better": better, "target": target}
    if value is not None:
        made["reached"] = value >= target if better == "higher" else value <= target
    notes = {"why": why, "peer": peer}
    return {**made, "runs": list(runs), **{key: text for key, text in notes.items() if text}}


def print_report(benchmark: str, figures: Sequence[dict[str, Any]]) -> None:
    """Print the benchmark's document on stdout."""
    document = {"benchmark": benchmark, "machine": machine(), "figures": list(figures)}
    print(json.dumps(document, indent=2, ensure_ascii=False))


def tell(message: str) -> None:
    """Say on stderr what is being measured."""
    print(message, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on."""
    import torch

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "peft", "streamlit")},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
