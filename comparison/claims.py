"""What an answer claims, held against the documents, also where no document was read for it."""

from dataclasses import dataclass, replace

from comparison.answer import Answer
from comparison.lab import Lab
from rag_backend.answer.cite import cite, with_place
from rag_backend.documents import Source
from rag_backend.search.find import find
from rag_backend.search.only import EVERYTHING, Only
from workbench.sentences import sentence_spans

_FOUND = 8
"""Passages that are looked at for each sentence."""
_MOST_SENTENCES = 16
"""Searched for; what these find may support the others as well."""


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

    It is done after the answer and counts in none of its times. An answer that declines claims
    nothing, and without documents nothing can be checked.

    Args:
        lab: with the documents.
        answer: finished.
        only: what the search is limited to.
    """
    if answer.refused or answer.error or lab.knowledge_base.empty():
        return ()
    settings = replace(lab.settings, reranker="", retrieved=_FOUND, read=1, around=0, diversity=0.0)
    found: dict[int, Source] = {}
    for start, end in list(sentence_spans(answer.text))[:_MOST_SENTENCES]:
        asked = f"{answer.question} {answer.text[start:end]}"
        sources = find(lab.knowledge_base.index, asked, settings, only).sources
        found |= {source.id: source for source in sources}
    passages = list(found.values())
    texts = [with_place(source.document, source.headings, source.text) for source in passages]
    return tuple(
        Claim(one.start, one.end, one.support, passages[one.by.source], (one.by.start, one.by.end))
        if one.by
        else Claim(one.start, one.end, one.support, None)
        for one in cite(answer.text, texts, answer.question)
    )
