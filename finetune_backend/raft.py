"""Examples asked with passages before them, the right one among wrong ones (RAFT).

Zhang et al. 2024, arXiv 2403.10131. In a share of them the right one is missing; there the model
learns to say so instead of answering from memory, since hybrid is to say what the documents say.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.files import write_bytes
from workbench.language_models.prompts import passage_prompt
from workbench.values import Example

DECLINES = "The text does not say."
_WITHOUT = 0.2
"""Share of these examples in which the right passage is missing."""
_FILE = "shown.jsonl"


@dataclass(frozen=True, slots=True)
class Shown:
    """The passages that an example may be asked with, as the model reads them."""

    right: str
    """Holds the answer; empty where none does, and declining is what is to be said."""
    wrong: tuple[str, ...]
    """The most misleading ones first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said to the model, and what it is to answer."""

    question: str
    answer: str


def asked_with_passages(
    example: Example, shown: Shown, distractors: int, template: str, draw: random.Random
) -> Asked:
    """Return an example asked with up to ``distractors`` wrong passages, in random order.

    Args:
        example: question and answer.
        shown: its passages.
        distractors: how many of the wrong ones at most, since as many as are read later may be
            few or many; where the right one is missing, a wrong one takes its place.
        template: see `workbench.language_models.prompts.passage_prompt`.
        draw: of what is shown, and in which order.
    """
    without = not shown.right or (shown.wrong and draw.random() < _WITHOUT)
    count = draw.randint(1, distractors + 1) if without else draw.randint(0, distractors)
    passages = list(shown.wrong[:count])
    if not without:
        passages.append(shown.right)
    draw.shuffle(passages)
    said = passage_prompt("\n\n".join(passages), example.question.strip(), template)
    declines = without and shown.right
    return Asked(said, DECLINES if declines else example.answer.strip())


def write_shown(folder: Path, shown: Sequence[Shown | None]) -> None:
    """Keep the passages of a run's examples in its folder."""
    lines = [json.dumps(asdict(one) if one else None, ensure_ascii=False) for one in shown]
    write_bytes(folder / _FILE, "".join(f"{line}\n" for line in lines).encode())


def read_shown(folder: Path) -> list[Shown | None]:
    """Return the passages of a run's examples, in their order; none where it has no file."""
    file = folder / _FILE
    if not file.exists():
        return []
    # Not str.splitlines, which would also split at U+2028 inside a passage.
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    rows = [json.loads(line) for line in lines]
    return [Shown(row["right"], tuple(row["wrong"])) if row else None for row in rows]
