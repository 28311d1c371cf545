"""The passages that examples are asked with in a fine-tune: what the search finds for them."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence

from comparison.lab import Lab
from comparison.metrics import refused
from finetune_backend.raft import Shown
from finetune_backend.settings import TrainSettings
from rag_backend.documents import Source
from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from workbench.values import Example, Passage
from workbench.words import normalize

_HOLDS, _HOLDS_NOT = 0.75, 0.5
"""Share of an answer's words that the right passage holds at least, and a wrong one less than."""
_SPARE = 4
"""Passages found beyond those that are shown: some hold the answer too."""


def show_passages(
    lab: Lab,
    examples: Sequence[Example],
    settings: TrainSettings,
    progress: Callable[[str, float], object] = lambda _message, _share: None,
) -> list[Shown | None]:
    """Return for each example the passages to ask it with; None where none is known to be right.

    Args:
        lab: with documents, where ``settings.raft`` is not 0.
        examples: the training set.
        settings: of the fine-tune.
        progress: called with what is being done, and the share that is done.

    Raises:
        RagtuneError: there are no documents.
    """
    if not settings.raft:
        return []
    count = settings.distractors + _SPARE
    wanted = dataclasses.replace(lab.settings, reranker="", retrieved=count, read=1, around=0)
    shown = []
    for number, example in enumerate(examples):
        progress("Looking for the examples' passages", number / len(examples))
        found = find(lab.knowledge_base.index, example.question, wanted).sources
        shown.append(_shown(example, found, settings.distractors))
    return shown


def stand_ins(lab: Lab, examples: Sequence[Example], settings: TrainSettings) -> list[Shown | None]:
    """Return passages of the usual length, for an estimate that can't wait for a search."""
    if not settings.raft or lab.knowledge_base.empty():
        return []
    return show_passages(lab, examples[:1], settings) * len(examples)


def _shown(example: Example, found: Sequence[Source], most: int) -> Shown | None:
    read = [
        embedding_text(one.document, Passage(one.text, one.headings, one.page)) for one in found
    ]
    held = [_held(example.answer, text) for text in read]
    wrong = [text for text, share in zip(read, held, strict=True) if share < _HOLDS_NOT]
    if refused(example.answer):
        return Shown("", tuple(read[: most + 1])) if read else None
    right = max(range(len(read)), key=lambda place: held[place], default=None)
    if right is not None and held[right] >= _HOLDS:
        return Shown(read[right], tuple(wrong[: most + 1]))
    if example.passage:
        own = embedding_text(example.document or "", Passage(example.passage))
        return Shown(own, tuple(wrong[: most + 1]))
    return None


def _held(answer: str, passage: str) -> float:
    """Return which share of an answer's words a passage holds."""
    words = Counter(normalize(answer).split())
    return (words & Counter(normalize(passage).split())).total() / max(1, words.total())
