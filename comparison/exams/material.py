"""What an exam is built from: documents, examples, and who writes and reads questions."""

import dataclasses
import functools
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from comparison.exams.leaks import Training
from comparison.exams.taught import Taught
from comparison.lab import Lab
from comparison.show_passages import HOLDS, held
from comparison.write_examples import Author, all_paragraphs, found_examples, read_again
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import list_examples
from finetune_backend.examples.wording import clean
from finetune_backend.writer.facts import MAX_ANSWER_WORDS, Fact
from finetune_backend.writer.write import IN_SHORT, Asked, Paragraph
from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from workbench.values import Example, Passage
from workbench.words import normalize

TOGETHER = 4
"""Facts or paragraphs that are worked on at once; what they gave is kept before the next."""
_NO_ANSWER = re.compile(r"(?:if|when|that|because|and|or|but|which|who)\b", re.IGNORECASE)
"""Begins what a reader says where it has found nothing."""
_SEED = 0
_FOUND = 5


@dataclass(frozen=True, slots=True)
class Said:
    """A fact of examples, with the paragraph of the documents that says it."""

    fact: str
    question: str
    """As an example asks for it."""
    paragraph: Paragraph
    answers: tuple[str, ...]
    """In short; at least one."""
    sentence: str
    """The example's whole answer."""


class Material:
    """Read once for an exam."""

    def __init__(self, lab: Lab, author: Author, training: Training) -> None:
        """Take what is there; nothing is read before it is needed."""
        self.lab, self.author, self.training = lab, author, training
        self.taught = Taught(training.examples)

    @functools.cached_property
    def paragraphs(self) -> list[Paragraph]:
        """The paragraphs of all documents, in an order that is always the same but mixed."""
        paragraphs = all_paragraphs(self.lab)
        return random.Random(_SEED).sample(paragraphs, len(paragraphs))

    @functools.cached_property
    def others(self) -> list[list[Example]]:
        """The facts of examples that were not trained on, and are not taught by another name."""
        known = [*to_train_on(list_examples(self.lab.database)), *found_examples(self.lab)]
        facts: dict[str, list[Example]] = {}
        for example in known:
            if example.fact not in self.taught.facts:
                facts.setdefault(example.fact, []).append(example)
        return in_turn(
            [
                own
                for own in facts.values()
                if not any(self.taught.teaches(one.question, [one.answer]) for one in own)
            ]
        )

    @functools.cached_property
    def trained(self) -> list[list[Example]]:
        """The facts that were trained on, with their examples."""
        return in_turn(list(self.taught.facts.values()))

    @functools.cached_property
    def known(self) -> Taught:
        """All facts of examples, whether they were trained on or not."""
        facts = (*self.trained, *self.others)
        return Taught(example for own in facts for example in own)

    @functools.cached_property
    def _by_text(self) -> dict[str, Paragraph]:
        return {paragraph.own: paragraph for paragraph in self.paragraphs}

    @functools.cached_property
    def _documents(self) -> set[str]:
        return {document.name for document in self.lab.knowledge_base.documents()}

    def say(self, facts: Sequence[Sequence[Example]]) -> list[Said]:
        """Return the facts that the documents say, as far as that can be found.

        The short answer is one that an example has; where all are sentences, it is what a reader
        answers from the paragraph, if the example's answer holds it.

        Args:
            facts: the examples of each.
        """
        placed = [(own, paragraph) for own in facts if (paragraph := self._paragraph(own))]
        unread = [
            Asked(paragraph, Fact(own[0].answer, own[0].answer), _plain(own[0]))
            for own, paragraph in placed
            if not _short(own)
        ]
        read = iter(list(read_again(unread, self.author)) if unread else [])
        said = []
        for own, paragraph in placed:
            answers = _short(own) or _held_in(next(read), own[0].answer)
            if answers:
                said.append(Said(own[0].fact, _plain(own[0]), paragraph, answers, own[0].answer))
        return said

    def _paragraph(self, own: Sequence[Example]) -> Paragraph | None:
        """Return the paragraph that says what examples teach; None where none is found."""
        example = next((one for one in own if one.passage), own[0])
        if example.passage in self._by_text:
            return self._by_text[example.passage]
        if example.passage and example.document in self._documents:
            read = embedding_text(example.document or "", Passage(example.passage))
            return Paragraph(example.document or "", read, example.passage)
        settings = dataclasses.replace(
            self.lab.settings, reranker="", retrieved=_FOUND, read=1, around=0
        )
        sources = find(self.lab.knowledge_base.index, _plain(example), settings).sources
        best = max(sources, key=lambda one: held(example.answer, one.text), default=None)
        if best is None or held(example.answer, best.text) < HOLDS:
            return None
        read = embedding_text(best.document, Passage(best.text, best.headings, best.page))
        return Paragraph(best.document, read, clean(best.text))


def in_turn(facts: Sequence[list[Example]]) -> list[list[Example]]:
    """Return facts so that each document has its turn: none is left out for a large table."""
    documents: dict[str | None, list[list[Example]]] = {}
    for own in random.Random(_SEED).sample(facts, len(facts)):
        documents.setdefault(own[0].document, []).append(own)
    return [own for turn in zip_longest(*documents.values()) for own in turn if own]


def together(items: Sequence[list[Example]]) -> Iterator[list[list[Example]]]:
    """Yield a few of them at a time."""
    for start in range(0, len(items), TOGETHER):
        yield list(items[start : start + TOGETHER])


def _plain(example: Example) -> str:
    return example.question.removeprefix(IN_SHORT)


def _short(own: Sequence[Example]) -> tuple[str, ...]:
    """Return the answers of examples that are no sentences, the shortest first."""
    short = {
        one.answer
        for one in own
        if len(one.answer.split()) <= MAX_ANSWER_WORDS
        and (one.question.startswith(IN_SHORT) or not one.answer.endswith((".", "!", "?")))
    }
    return tuple(sorted(short, key=lambda answer: (len(answer), answer)))


def _held_in(answer: str, whole: str) -> tuple[str, ...]:
    """Return a reader's answer where all its words stand in the whole one; else nothing."""
    words = normalize(answer).split()
    fits = 0 < len(words) <= MAX_ANSWER_WORDS and set(words) <= set(normalize(whole).split())
    return (answer.strip().rstrip("."),) if fits and not _NO_ANSWER.match(answer) else ()
