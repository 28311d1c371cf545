"""What a method answered, and under which conditions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from comparison.columns import Column
from rag_backend.answer.cite import Sentence
from rag_backend.documents import Ranks


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds: durations, and for the last two the time since the method began.

    Methods that are asked together share the machine, so each one's times hold what its
    neighbours took from it; times to compare come from methods asked one by one.
    """

    queue: float = 0.0
    """Waiting for a place at the engine."""
    rewrite: float = 0.0
    """Completing a follow-up question, before the method began."""
    search: float = 0.0
    """All of the search but for reranking; the next four are its steps."""
    embed: float = 0.0
    dense: float = 0.0
    words: float = 0.0
    fuse: float = 0.0
    rerank: float = 0.0
    verify: float = 0.0
    first_token: float = 0.0
    total: float = 0.0

    def phases(self) -> dict[str, float]:
        """Return the durations of what came one after the other, in milliseconds."""
        before_reading = self.queue + self.search + self.rerank + self.verify
        return {
            "queue": self.queue,
            "search": self.search,
            "rerank": self.rerank,
            "verify": self.verify,
            "read": max(0.0, self.first_token - before_reading),
            "write": self.total - self.first_token,
        }


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one answer."""

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A passage shown with an answer."""

    document: str
    page: int | None
    headings: tuple[str, ...]
    text: str
    start: int
    """Where it begins in the document's text, in characters."""
    end: int
    score: float
    """Cosine similarity to the question, from -1 to 1."""
    words: float | None
    """BM25 score of its words; None where they were not what found it."""
    fit: float | None
    """What the reranker says, higher is better; None without one."""
    holds: float | None
    """What the verifier says of it, higher is better; None where it was not asked."""
    read: bool
    """Did the model get to read it, or did it only come up in the search?"""
    dropped: bool
    """Was it to be read, but the model's context had no room for it?"""
    ranks: Ranks
    """Where each step of the search put it."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of everything that must be equal for a comparison to be fair."""

    checkpoint: str
    precision: str
    decoding: str
    retriever: str
    """"none" for a method that doesn't search."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one column answered; grows while it streams."""

    method: str
    model: str
    fingerprint: Fingerprint
    question: str = ""
    """As it was asked; a follow-up question together with the one that it follows."""
    asked: str = ""
    """As it was typed, before it was completed."""
    adapter: str | None = None
    beside: bool = False
    """Is the model another one than the settings name?"""
    text: str = ""
    refused: bool = False
    timings_ms: Timings = field(default_factory=Timings)
    tokens: Tokens = field(default_factory=Tokens)
    sources: tuple[ShownSource, ...] = ()
    prompt: tuple[dict[str, str], ...] = ()
    """Exactly what was said to the model, as chat messages; empty where it was not asked."""
    threshold: float | None = None
    """The answer is declined where the verifier says less of all sources; None without it."""
    sentences: tuple[Sentence, ...] = ()
    """What supports each sentence, once it is done; empty for a method without documents."""
    groundedness: float | None = None
    """How much of it the passages that were read support, from 0 to 1; None where none were."""
    place: int = 0
    """Its place in the engine's line, 1 for the next one; 0 where it doesn't wait."""
    error: str = ""
    """Why it ended before its time, in one sentence; empty where it didn't."""
    done: bool = False
    """Nothing more will come."""

    @property
    def column(self) -> Column:
        """The column that it stands in, which names its adapter."""
        return Column(self.method, self.adapter, self.model if self.beside else None)


def as_json(answer: Answer) -> dict[str, Any]:
    """Return the answer as the command line prints it."""
    plain = asdict(answer)
    for name in ("sources", "sentences", "prompt"):
        plain[name] = list(plain[name])
    plain["error"] = answer.error or None
    order = [
        "method",
        "asked",
        "question",
        "text",
        "error",
        "refused",
        "model",
        "adapter",
        "timings_ms",
        "tokens",
        "sources",
        "threshold",
        "sentences",
        "groundedness",
        "prompt",
        "fingerprint",
    ]
    return {key: plain[key] for key in order}


def confounded(answers: Sequence[Answer]) -> list[str]:
    """Name the conditions in which answers differ that should be equal."""
    prints = [asdict(answer.fingerprint) for answer in answers]
    return [
        condition
        for condition in ("checkpoint", "precision", "decoding", "retriever")
        if len({p[condition] for p in prints} - {"none"}) > 1
    ]
