"""Examples asked with passages before them, the right one among wrong ones (RAFT).

Zhang et al. 2024, arXiv 2403.10131. The wrong ones are those of other examples, so that a text is
read once for all that is asked about it. A share of the examples is asked about a text without
their passage; there the model learns to say so instead of answering from memory, since hybrid is
to say what the documents say.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from finetune_backend.settings import TrainSettings
from workbench.errors import ExamplesError
from workbench.files import write_bytes
from workbench.language_models.prompts import passage_prompt
from workbench.values import Example

DECLINES = "The text does not say."
_ELSEWHERE = 0.1
"""Share of the examples that are asked about a text without their passage."""
SHOWN = "shown.jsonl"
"""The file of a run that holds its examples' passages."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The passage that an example is asked with, as the model reads it."""

    passage: str
    holds: bool
    """Does it hold the answer? Where it doesn't, the example's answer is to decline."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said to the model, and what it is to answer."""

    said: str
    answer: str


def draw_texts(
    examples: Sequence[Example],
    shown: Sequence[Shown | None],
    share: float,
    distractors: int,
    template: str,
    draw: random.Random,
) -> list[list[Asked]]:
    """Return what is asked about texts of several passages, for each text.

    Args:
        examples: the training set.
        shown: for each the passage that it is asked with; None where it is not.
        share: of the passages that are read.
        distractors: how many other passages stand beside each, of the same document where it
            has as many.
        template: see `workbench.language_models.prompts.passage_prompt`.
        draw: of the passages, their order, and what is asked elsewhere.
    """
    about: dict[str, list[tuple[Example, bool]]] = {}
    for example, one in zip(examples, shown, strict=True):
        if one is not None:
            about.setdefault(one.passage, []).append((example, one.holds))
    chosen = draw.sample(list(about), round(share * len(about)))
    documents = {passage: about[passage][0][0].document or "" for passage in chosen}
    order = {document: draw.random() for document in sorted(set(documents.values()))}
    chosen.sort(key=lambda passage: order[documents[passage]])
    size = distractors + 1
    texts = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    for passages in texts:
        draw.shuffle(passages)
    asked: list[list[Asked]] = [[] for _ in texts]
    for place, passages in enumerate(texts):
        for example, holds in (one for passage in passages for one in about[passage]):
            other = (place + 1) % len(texts)
            elsewhere = (
                holds
                and other != place
                and draw.random() < _ELSEWHERE
                and not any(example.answer.strip(" .") in passage for passage in texts[other])
            )
            where, answer = (other, DECLINES) if elsewhere else (place, example.answer.strip())
            said = passage_prompt("\n\n".join(texts[where]), example.question.strip(), template)
            asked[where].append(Asked(said, answer))
    return [one for one in asked if one]


def check_shown(settings: TrainSettings, shown: Sequence[Shown | None]) -> None:
    """Make sure that there is something to read where something is to be read.

    Raises:
        ExamplesError: no example has a passage.
    """
    if settings.raft and not any(shown):
        raise ExamplesError(
            f"raft is {settings.raft:g}, but none of the examples has a passage to be asked with. "
            "Add the documents that answer them, or leave raft at 0."
        )


def write_shown(folder: Path, shown: Sequence[Shown | None]) -> None:
    """Keep the passages of a run's examples in its folder."""
    lines = [json.dumps(asdict(one) if one else None, ensure_ascii=False) for one in shown]
    write_bytes(folder / SHOWN, "".join(f"{line}\n" for line in lines).encode())


def read_shown(folder: Path) -> list[Shown | None]:
    """Return the passages of a run's examples, in their order; none where it has no file."""
    file = folder / SHOWN
    if not file.exists():
        return []
    # Not str.splitlines, which would also split at U+2028 inside a passage.
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    return [Shown(**row) if (row := json.loads(line)) else None for line in lines]
