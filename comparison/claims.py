"""What an answer claims, held against the documents, also where no document was read for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from comparison.answer import Answer
from comparison.lab import Lab
from rag_backend.answer.cite import cite, with_place
from rag_backend.documents import Source
from rag_backend.search.find import find
from rag_backend.search.lexical import STOP_WORDS
from rag_backend.search.only import EVERYTHING, Only
from workbench.words import normalize

_ASKED = 3
"""Passages found for the question, which may support what was answered to it."""
_FOUND = 8
"""Passages found for a sentence that stands by itself."""
_TELLING = 4
"""Words that such a sentence has at least. "The 26th" is said somewhere in nearly every document,
and says nothing without the question."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, and where the documents say it."""

    start: int
    """Where it stands in the answer, in characters."""
    end: int
    support: float
    """See `rag_backend.answer.cite.Sentence`."""
    source: Source | None
    """The passage that says it; None where none was found."""
    place: tuple[int, int] = (0, 0)
    """Where it is said in that passage's text, in characters."""


def check_claims(lab: Lab, answer: Answer, only: Only = EVERYTHING) -> tuple[Claim, ...]:
    """Look up every sentence of an answer in the documents; the model is not asked.

    A sentence is supported where what it adds to the question stands in a passage that the
    question finds; or where all of it stands in a passage that the sentence itself finds.
    That is done after the answer and counts in none of its times. An answer that declines claims
    nothing, and without documents nothing can be checked.

    Args:
        lab: with the documents.
        answer: finished.
        only: what the search is limited to.
    """
    if answer.refused or answer.error or not answer.text or lab.knowledge_base.empty():
        return ()
    index = lab.knowledge_base.index
    alone = replace(lab.settings, read=1, around=0, diversity=0.0, retrieved=_ASKED)
    asked = find(index, answer.question, alone, only).sources
    wide = replace(alone, reranker="", retrieved=_FOUND)
    claims = []
    for claim in _held_against(answer.text, asked, answer.question):
        sentence = answer.text[claim.start : claim.end]
        if claim.source is None and _stands_alone(sentence):
            found = find(index, sentence, wide, only).sources
            for other in _held_against(sentence, found):
                if other.source:
                    claim = replace(
                        claim, support=other.support, source=other.source, place=other.place
                    )
        claims.append(claim)
    return tuple(claims)


def _held_against(text: str, sources: Sequence[Source], question: str = "") -> list[Claim]:
    texts = [with_place(source.document, source.headings, source.text) for source in sources]
    return [
        Claim(one.start, one.end, one.support, sources[one.by.source], (one.by.start, one.by.end))
        if one.by
        else Claim(one.start, one.end, one.support, None)
        for one in cite(text, texts, question)
    ]


def _stands_alone(sentence: str) -> bool:
    words = set(normalize(sentence).split()) - STOP_WORDS
    return len(words) >= _TELLING
