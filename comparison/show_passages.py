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

HOLDS = 0.75
"""Share of an answer's words that the right passage holds at least."""
_FOUND = 5


def show_passages(
    lab: Lab,
    examples: Sequence[Example],
    settings: TrainSettings,
    progress: Callable[[str, float], object] = lambda _message, _share: None,
) -> list[Shown | None]:
    """Return for each example the passage to ask it with; None where none is known to be right.

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
    wanted = dataclasses.replace(lab.settings, reranker="", retrieved=_FOUND, read=1, around=0)
    shown = []
    for number, example in enumerate(examples):
        progress("Looking for the examples' passages", number / len(examples))
        found = find(lab.knowledge_base.index, example.question, wanted).sources
        shown.append(_shown(example, found))
    return shown


def stand_ins(lab: Lab, examples: Sequence[Example], settings: TrainSettings) -> list[Shown | None]:
    """Return a passage of the usual length for each fact: for an estimate, which can't wait."""
    if not settings.raft or lab.knowledge_base.empty():
        return []
    (shown,) = show_passages(lab, examples[:1], settings)
    usual = shown.passage if shown else examples[0].passage
    return [Shown(f"{example.fact} {usual}", True) for example in examples]


def _shown(example: Example, found: Sequence[Source]) -> Shown | None:
    read = [
        embedding_text(one.document, Passage(one.text, one.headings, one.page)) for one in found
    ]
    if refused(example.answer):
        return Shown(read[0], False) if read else None
    right = max(read, key=lambda text: held(example.answer, text), default="")
    if held(example.answer, right) >= HOLDS:
        return Shown(right, True)
    if example.passage:
        return Shown(embedding_text(example.document or "", Passage(example.passage)), True)
    return None


def held(answer: str, passage: str) -> float:
    """Return which share of an answer's words a passage holds."""
    words = Counter(normalize(answer).split())
    return (words & Counter(normalize(passage).split())).total() / max(1, words.total())
