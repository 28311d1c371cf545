"""The document that every benchmark prints."""

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from workbench.machine import machine


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
    here = machine() | {"streamlit": version("streamlit")}
    document = {"benchmark": benchmark, "machine": here, "figures": list(figures)}
    print(json.dumps(document, indent=2, ensure_ascii=False))


def tell(message: str) -> None:
    """Say on stderr what is being measured."""
    print(message, file=sys.stderr, flush=True)
