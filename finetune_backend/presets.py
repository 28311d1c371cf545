"""Presets: settings that go together, by what a fine-tune is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import RagtuneError


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings that differ from the defaults, and why one would want that."""

    name: str
    meaning: str
    settings: Mapping[str, Any] = field(default_factory=dict)


PRESETS = (
    Preset(
        "facts",
        "Learns the examples by heart, with passes that fit their number, and a little general "
        "text against forgetting.",
    ),
    Preset(
        "quick",
        "Stops once two passes in a row recalled no more of the held-out wordings.",
        {"patience": 2},
    ),
    Preset(
        "reading",
        "Asks half of the examples with their passages too (RAFT), so that hybrid learns to read "
        "them. Takes about twice as long.",
        {"raft": 0.5},
    ),
    Preset(
        "careful",
        "Mixes twice as much general text in, so that it forgets still less of what it could do "
        "before; some wordings are learned less well.",
        {"replay": 0.2},
    ),
)
"""The first is what the defaults do."""


def find_preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises:
        RagtuneError: there is none.
    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    names = ", ".join(preset.name for preset in PRESETS)
    raise RagtuneError(f"There is no preset {name!r}; one of {names} was expected.")
