"""Examples looked through by a person: approved, rejected, or waiting for it; or set aside.

A rejected example is not trained on, but kept, so that writing again does not bring it back. What
a split set aside is asked in an exam, and not trained on either.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from finetune_backend.examples.same_question import spoken
from finetune_backend.examples.wording import fold
from workbench.values import APPROVED, WAITING, Example

# In Chinese and Japanese each character counts as a word; a time or a decimal is one.
_WORD = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff]|\\d+(?:[.,:]\\d+)+|[^\\W\u3040-\u30ff\u3400-\u9fff]+"
)


def to_train_on(examples: Sequence[Example], approved_only: bool = False) -> list[Example]:
    """Return the examples that a fine-tune learns from: approved, or waiting to be looked at."""
    wanted = (APPROVED,) if approved_only else (APPROVED, WAITING)
    return [example for example in examples if example.status in wanted]


def matching(
    examples: Sequence[Example],
    status: str | None = None,
    text: str = "",
    documents: Collection[str | None] = (),
) -> list[int]:
    """Return the places of the examples that a filter lets through.

    Args:
        examples: any.
        status: the only one shown; None for all.
        text: in the question, the answer or the fact, whatever its case; empty for all.
        documents: those shown, None standing for no document; empty for all.
    """
    wanted = fold(text)
    return [
        place
        for place, example in enumerate(examples)
        if (status is None or example.status == status)
        and (not documents or example.document in documents)
        and (not wanted or _says(example, wanted))
    ]


def _says(example: Example, wanted: str) -> bool:
    parts = (example.question, example.answer, example.fact)
    return any(wanted in fold(part) for part in parts)


def with_status(examples: Sequence[Example], places: Collection[int], status: str) -> list[Example]:
    """Return the examples, those at the given places with another status."""
    chosen = set(places)
    return [
        dataclasses.replace(example, status=status) if place in chosen else example
        for place, example in enumerate(examples)
    ]


def merged(
    examples: Sequence[Example],
    shown: Sequence[int],
    edited: Sequence[tuple[int | None, Mapping[str, object]]],
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield all examples as numbered rows after some of them were edited.

    Args:
        examples: as they were.
        shown: the places of those that could be edited; the others stay as they are.
        edited: what became of those shown, with their places; None where a row is new. What is
            missing was deleted.
    """
    changed = {place: fields for place, fields in edited if place is not None}
    gone = set(shown) - changed.keys()
    rows: list[Mapping[str, object]] = [
        changed.get(place) or dataclasses.asdict(example)
        for place, example in enumerate(examples)
        if place not in gone
    ]
    rows += [fields for place, fields in edited if place is None]
    yield from enumerate(rows, start=1)


def answer_spans(passage: str, answer: str) -> list[tuple[int, int]]:
    """Return where the answer's words stand in a passage; words beside each other are one span."""
    words = set(spoken(answer))
    spans: list[tuple[int, int]] = []
    for word in _WORD.finditer(passage):
        if not words.isdisjoint(spoken(word[0])):
            if spans and not passage[spans[-1][1] : word.start()].strip(" ,;:-–"):
                spans[-1] = (spans[-1][0], word.end())
            else:
                spans.append(word.span())
    return spans
