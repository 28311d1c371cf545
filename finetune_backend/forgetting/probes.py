"""The probes: choices that a model makes by likelihood, and texts that surprise it."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
FILE = _FOLDER / "probes.jsonl"
KNOWLEDGE = _FOLDER / "knowledge.csv"
"""A question, the right answer and three wrong ones a line."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of probe, as a person reads of it."""

    name: str
    meaning: str
    unit: str
    """Of the change that a fine-tune makes."""


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "grammar",
            "Of two sentences the grammatical one is the likelier (BLiMP).",
            "points",
        ),
        Kind(
            "knowledge",
            "Of four answers to a question of general knowledge the right one is the likeliest.",
            "points",
        ),
        Kind(
            "declining",
            "Where a text does not answer, saying so is likelier than a wrong answer from it.",
            "points",
        ),
        Kind(
            "surprise",
            "Mean surprise at each token of encyclopedia paragraphs.",
            "% of the nats",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to say after a prompt, and what would be worse."""

    prompt: str
    """What the user says; empty where the options are texts by themselves."""
    right: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probes:
    """All of them."""

    choices: dict[str, tuple[Choice, ...]]
    """By kind."""
    texts: tuple[str, ...]
    """Whose surprise is measured."""


def read_probes(file: Path = FILE) -> Probes:
    """Read the probes that come along."""
    choices: dict[str, list[Choice]] = defaultdict(list)
    texts = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["kind"] == "surprise":
            texts.append(row["text"])
        else:
            choices[row["kind"]].append(Choice(row["prompt"], row["right"], tuple(row["wrong"])))
    return Probes({kind: tuple(found) for kind, found in choices.items()}, tuple(texts))
