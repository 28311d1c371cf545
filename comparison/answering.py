"""One column's answer as it grows: asked with its documents and its adapter, and timed."""

import contextlib
import logging
import time
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comparison.answer import Answer, ShownSource, Tokens
from comparison.lab import Adapter, Lab
from comparison.metrics import refused
from rag_backend.answer.cite import cite, groundedness, with_place
from rag_backend.documents import Ranks
from rag_backend.search.only import EVERYTHING, Only
from workbench.errors import RagtuneError
from workbench.language_models.engine import Engine
from workbench.language_models.prompts import messages
from workbench.settings import Settings

if TYPE_CHECKING:
    from rag_backend.answer.chain import PassageRetriever
    from rag_backend.answer.read import Fits


def retriever_of(
    lab: Lab, settings: Settings, only: Only = EVERYTHING, once: bool = False
) -> "PassageRetriever":
    """Return what finds the passages to read, and declines, as the settings want it."""
    from rag_backend.answer.chain import PassageRetriever

    threshold = lab.knowledge_base.threshold(settings.decline)
    return PassageRetriever(
        index=lab.knowledge_base.index, settings=settings, threshold=threshold, only=only, once=once
    )


def room_of(engine: Engine, settings: Settings) -> "Fits":
    """Return the test whether the engine has room for a prompt and the longest answer."""

    def fits(said: list[dict[str, str]]) -> bool:
        tokens = engine.count_tokens(said)
        if tokens is None or engine.room is None:
            return True
        return tokens + settings.max_new_tokens <= engine.room

    return fits


def answering(
    answer: Answer,
    engine: Engine,
    settings: Settings,
    question: str,
    retriever: "PassageRetriever | None",
    adapter: Adapter | None,
) -> Generator[Answer]:
    """Yield a column's answer as it grows; a failure is told in the last one.

    Args:
        answer: as far as it is known before it is asked.
        engine: what answers.
        settings: of the prompt and the answer's length.
        question: as it is asked.
        retriever: finds the passages to read; None for a method that reads none.
        adapter: what the base is changed with; None for a method without one.
    """
    reference = adapter.reference if adapter else None
    try:
        # What is loaded now is not part of the answer's time.
        if reference:
            engine.prepare(reference)
        if retriever:
            retriever.index.refresh()
            if retriever.threshold is not None:
                retriever.index.verifier()
            growing = _with_documents(answer, retriever, engine, settings, question, reference)
        else:
            growing = _without_documents(answer, engine, settings, question, reference)
        with contextlib.closing(growing):
            for answer in growing:
                yield answer
    except Exception as error:
        sentence = str(error)
        if not isinstance(error, RagtuneError):
            logging.getLogger(__name__).exception("%s failed", answer.method)
            sentence = (
                f"Answering failed ({type(error).__name__}). The program's log says more; "
                "if it happens again, choose another engine in Settings."
            )
        yield replace(answer, text=answer.text.strip(), error=sentence, place=0, done=True)


class _Stopwatch:
    def __init__(self) -> None:
        self._started = time.perf_counter()

    def ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000


def _without_documents(
    answer: Answer, engine: Engine, settings: Settings, question: str, adapter: str | None
) -> Generator[Answer]:
    said = messages(question, settings.system_prompt)
    answer = replace(answer, prompt=tuple(said))
    clock = _Stopwatch()
    for piece in engine.stream(
        said,
        adapter=adapter,
        max_new_tokens=settings.max_new_tokens,
    ):
        answer = _grown(
            answer,
            clock,
            piece.text,
            piece.queue_ms,
            Tokens(piece.prompt_tokens, piece.completion_tokens),
            piece.place,
        )
        yield answer
    yield _finished(answer, clock)


def _with_documents(
    answer: Answer,
    retriever: "PassageRetriever",
    engine: Engine,
    settings: Settings,
    question: str,
    adapter: str | None,
) -> Generator[Answer]:
    from rag_backend.answer.chain import make_chain
    from rag_backend.answer.chat_model import EngineChatModel

    model = EngineChatModel(engine=engine, adapter=adapter, max_new_tokens=settings.max_new_tokens)
    fits = room_of(engine, settings)
    chain = make_chain(retriever, model, settings.system_prompt, settings.passage_prompt, fits)
    clock = _Stopwatch()
    for part in chain.stream(question):
        if "sources" in part:
            sources = tuple(_shown(source) for source in part["sources"])
            told = part["sources"][0].metadata["times_ms"] if sources else {}
            searched = clock.ms() - told.get("rerank", 0.0) - told.get("verify", 0.0)
            times = replace(answer.timings_ms, search=max(0.0, searched), **told)
            prompt = tuple(part["prompt"])
            answer = replace(answer, sources=sources, prompt=prompt, timings_ms=times)
        elif "answer" in part:
            chunk, tokens = part["answer"], answer.tokens
            usage = chunk.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
            told = chunk.response_metadata
            answer = _grown(
                answer,
                clock,
                chunk.text,
                told.get("queue_ms", answer.timings_ms.queue),
                Tokens(
                    tokens.prompt + usage["input_tokens"],
                    tokens.completion + usage["output_tokens"],
                ),
                answer.place + told.get("place", 0),
            )
        yield answer
    yield _cited(_finished(answer, clock), question)


def _cited(answer: Answer, question: str) -> Answer:
    """Link a finished answer's sentences to what the model read."""
    numbers = [number for number, source in enumerate(answer.sources) if source.read]
    if answer.refused or not numbers:
        return answer
    read = [answer.sources[number] for number in numbers]
    texts = [with_place(source.document, source.headings, source.text) for source in read]
    sentences = tuple(
        replace(one, by=one.by and replace(one.by, source=numbers[one.by.source]))
        for one in cite(answer.text, texts, question)
    )
    return replace(answer, sentences=sentences, groundedness=groundedness(answer.text, sentences))


def _grown(
    answer: Answer, clock: _Stopwatch, fresh: str, queue_ms: float, tokens: Tokens, place: int
) -> Answer:
    now, times = clock.ms(), answer.timings_ms
    begun = bool(fresh) or tokens.completion > 0
    return replace(
        answer,
        text=answer.text + fresh,
        timings_ms=replace(
            times,
            queue=queue_ms,
            first_token=times.first_token or (now if begun else 0.0),
            total=now,
        ),
        tokens=tokens,
        place=place,
    )


def _shown(source: Any) -> ShownSource:
    return ShownSource(
        document=source.metadata["document"],
        page=source.metadata["page"],
        headings=source.metadata["headings"],
        text=source.metadata["text"],
        start=source.metadata["start"],
        end=source.metadata["end"],
        score=source.metadata["score"],
        words=source.metadata["words"],
        fit=source.metadata["fit"],
        holds=source.metadata["holds"],
        read=source.metadata["read"],
        dropped=source.metadata["dropped"],
        ranks=Ranks(**source.metadata["ranks"]),
    )


def _finished(answer: Answer, clock: _Stopwatch) -> Answer:
    now, times = clock.ms(), answer.timings_ms
    return replace(
        answer,
        text=answer.text.strip(),
        refused=refused(answer.text),
        timings_ms=replace(times, first_token=times.first_token or now, total=now),
        place=0,
        done=True,
    )
