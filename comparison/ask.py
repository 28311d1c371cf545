"""One question to several methods, with equal conditions and a stopwatch."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from comparison.lab import Lab
from comparison.metrics import refused
from rag_backend.index import PassageIndex
from workbench.errors import RagtuneError
from workbench.language_models.engine import Engine
from workbench.language_models.prompts import check_question, messages
from workbench.settings import Settings

METHODS = ("base", "rag", "finetuned", "hybrid")
_HASH_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the question was asked, but for the first three: durations."""

    queue: float = 0.0
    """Waiting for the engine."""
    search: float = 0.0
    rerank: float = 0.0
    first_token: float = 0.0
    total: float = 0.0


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
    text: str
    score: float
    """Cosine similarity to the question, from -1 to 1."""
    read: bool
    """Did the model get to read it, or did it only come up in the search?"""


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
    """What one method answered; grows while it streams."""

    method: str
    model: str
    fingerprint: Fingerprint
    adapter: str | None = None
    text: str = ""
    refused: bool = False
    timings_ms: Timings = field(default_factory=Timings)
    tokens: Tokens = field(default_factory=Tokens)
    sources: tuple[ShownSource, ...] = ()
    done: bool = False


def ask(
    lab: Lab, question: str, methods: Sequence[str] = METHODS, adapter: str | None = None
) -> Iterator[Answer]:
    """Ask each method in turn, yielding its answer as it grows.

    The last answer of every method has ``done`` set. Each method's stopwatch starts when
    its own turn does, so that no column pays for its neighbours.

    Args:
        lab: where documents, adapters and the model are.
        question: the question.
        methods: some of `METHODS`.
        adapter: name of the adapter for "finetuned" and "hybrid"; by default the newest, or on a
            server its only other model.

    Raises:
        RagtuneError: the question is unusable, a method is unknown or not ready.
    """
    question = check_question(question)
    methods = check_methods(methods)
    settings = lab.settings
    for method in methods:
        missing = lab.missing(method, adapter)
        if missing:
            raise RagtuneError(f"{method} can't answer yet: {missing}")
    engine, index, chosen = lab.engine(), lab.knowledge_base.index, None
    # What is loaded now is not part of any answer's time.
    if any(method in ("finetuned", "hybrid") for method in methods):
        chosen = lab.adapter(adapter)
        engine.prepare(chosen.reference)
    if any(method in ("rag", "hybrid") for method in methods):
        index.store()
    for method in methods:
        tuned = chosen if method in ("finetuned", "hybrid") else None
        searched = index if method in ("rag", "hybrid") else None
        started = Answer(
            method=method,
            model=engine.checkpoint.name,
            adapter=tuned.name if tuned else None,
            fingerprint=_fingerprint(engine, settings, searched),
        )
        reference = tuned.reference if tuned else None
        if searched:
            yield from _with_documents(started, searched, engine, settings, question, reference)
        else:
            yield from _without_documents(started, engine, settings, question, reference)


def check_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """Return the methods once each, in the order of `METHODS`.

    Raises:
        RagtuneError: one is unknown, or there is none.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        given = ", ".join(unknown) or "no method"
        raise RagtuneError(f"{given} was given; some of {', '.join(METHODS)} were expected.")
    return tuple(method for method in METHODS if method in methods)


def as_json(answer: Answer) -> dict[str, Any]:
    """Return the answer as the command line prints it."""
    plain = asdict(answer)
    del plain["done"]
    plain["sources"] = list(plain["sources"])
    order = [
        "method",
        "text",
        "refused",
        "model",
        "adapter",
        "timings_ms",
        "tokens",
        "sources",
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


class _Stopwatch:
    def __init__(self) -> None:
        self._started = time.perf_counter()

    def ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000


def _without_documents(
    answer: Answer, engine: Engine, settings: Settings, question: str, adapter: str | None
) -> Iterator[Answer]:
    clock = _Stopwatch()
    for piece in engine.stream(
        messages(question, settings.system_prompt),
        adapter=adapter,
        max_new_tokens=settings.max_new_tokens,
    ):
        now = clock.ms()
        first = answer.timings_ms.first_token or now
        answer = replace(
            answer,
            text=answer.text + piece.text,
            timings_ms=Timings(queue=piece.queue_ms, first_token=first, total=now),
            tokens=Tokens(piece.prompt_tokens, piece.completion_tokens),
        )
        yield answer
    yield _finished(answer, clock)


def _with_documents(
    answer: Answer,
    index: PassageIndex,
    engine: Engine,
    settings: Settings,
    question: str,
    adapter: str | None,
) -> Iterator[Answer]:
    from rag_backend.chain import make_chain, make_retriever
    from rag_backend.chat_model import EngineChatModel

    model = EngineChatModel(engine=engine, adapter=adapter, max_new_tokens=settings.max_new_tokens)
    chain = make_chain(make_retriever(index, settings), model, settings.system_prompt)
    clock = _Stopwatch()
    for part in chain.stream(question):
        now, times, tokens = clock.ms(), answer.timings_ms, answer.tokens
        if "sources" in part:
            sources = tuple(_shown(source) for source in part["sources"])
            answer = replace(answer, sources=sources, timings_ms=Timings(search=now))
        elif "answer" in part:
            chunk = part["answer"]
            usage = chunk.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
            answer = replace(
                answer,
                text=answer.text + chunk.text,
                timings_ms=replace(
                    times,
                    queue=chunk.response_metadata.get("queue_ms", times.queue),
                    first_token=times.first_token or now,
                    total=now,
                ),
                tokens=Tokens(
                    tokens.prompt + usage["input_tokens"],
                    tokens.completion + usage["output_tokens"],
                ),
            )
        yield answer
    yield _finished(answer, clock)


def _shown(source: Any) -> ShownSource:
    return ShownSource(
        document=source.metadata["document"],
        page=source.metadata["page"],
        text=source.metadata["text"],
        score=source.metadata["score"],
        read=source.metadata["read"],
    )


def _finished(answer: Answer, clock: _Stopwatch) -> Answer:
    now, times = clock.ms(), answer.timings_ms
    return replace(
        answer,
        text=answer.text.strip(),
        refused=refused(answer.text),
        timings_ms=replace(times, first_token=times.first_token or now, total=now),
        done=True,
    )


def _fingerprint(engine: Engine, settings: Settings, index: PassageIndex | None) -> Fingerprint:
    retriever = "none"
    if index is not None:
        from rag_backend.embeddings import NAME

        retriever = _hash(
            NAME,
            settings.retrieved,
            settings.read,
            settings.min_score,
            index.stamp(),
        )
    return Fingerprint(
        checkpoint=engine.checkpoint.sha256[:_HASH_CHARACTERS],
        precision=f"{engine.name} {engine.precision}",
        decoding=_hash("greedy", settings.max_new_tokens, settings.system_prompt),
        retriever=retriever,
    )


def _hash(*values: Any) -> str:
    text = json.dumps(values, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]
