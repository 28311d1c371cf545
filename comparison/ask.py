"""One question to several methods, with equal conditions and a stopwatch."""

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comparison.answer import Answer, Fingerprint, ShownSource, Timings, Tokens
from comparison.lab import Adapter, Lab
from comparison.metrics import refused
from comparison.together import together
from rag_backend.answer.cite import cite, groundedness, with_place
from rag_backend.documents import Ranks
from rag_backend.search.follow_up import complete
from rag_backend.search.only import EVERYTHING, Only
from workbench.errors import RagtuneError
from workbench.language_models.engine import Engine
from workbench.language_models.prompts import check_question, messages
from workbench.settings import Settings

if TYPE_CHECKING:
    from rag_backend.answer.chain import PassageRetriever

METHODS = ("base", "rag", "finetuned", "hybrid")
_HASH_CHARACTERS = 16


def ask(
    lab: Lab,
    question: str,
    methods: Sequence[str] = METHODS,
    adapter: str | None = None,
    *,
    earlier: Sequence[str] = (),
    only: Only = EVERYTHING,
    alone: bool = False,
    engine: Engine | None = None,
) -> Generator[Answer]:
    """Ask all methods, yielding their answers as they grow, in whichever order they do.

    As many methods are asked at once as the engine answers at once. What stands beside an
    answer never changes its text, but it does take time from it. Every method's last
    answer has ``done`` set, and ``error`` where it failed; the others go on.

    A tenth of a second never passes without an answer, if only the same one again, so that
    whoever reads can stop. Closing the generator stops all methods.

    Args:
        lab: where documents, adapters and the model are.
        question: the question.
        methods: some of `METHODS`.
        adapter: name of the adapter for "finetuned" and "hybrid"; by default the newest, or on a
            server its only other model.
        earlier: what was asked before in this conversation, oldest first: a follow-up question
            is asked together with the one that it follows.
        only: what the search is limited to.
        alone: ask one method after the other, so that each one's times are its own.
        engine: what answers; by default what the settings lead to now.

    Raises:
        RagtuneError: the question is unusable, a method is unknown or not ready.
    """
    question = check_question(complete(check_question(question), earlier))
    methods = check_methods(methods)
    settings = lab.settings
    for method in methods:
        missing = lab.missing(method, adapter)
        if missing:
            raise RagtuneError(f"{method} can't answer yet: {missing}")
    engine, index = engine or lab.engine(), lab.knowledge_base.index
    chosen, retriever = None, None
    if any(method in ("finetuned", "hybrid") for method in methods):
        chosen = lab.adapter(adapter)
    if any(method in ("rag", "hybrid") for method in methods):
        from rag_backend.answer.chain import PassageRetriever

        retriever = PassageRetriever(
            index=index,
            settings=settings,
            threshold=lab.knowledge_base.threshold(settings.decline),
            only=only,
            once=not alone,
        )
    answers: dict[str, Answer] = {}
    streams = []
    for method in methods:
        tuned = chosen if method in ("finetuned", "hybrid") else None
        searching = retriever if method in ("rag", "hybrid") else None
        answers[method] = Answer(
            method=method,
            question=question,
            model=engine.checkpoint.name,
            adapter=tuned.name if tuned else None,
            fingerprint=_fingerprint(engine, settings, searching),
            threshold=searching.threshold if searching else None,
        )
        streams.append(_answer(answers[method], engine, settings, question, searching, tuned))
    at_once = 1 if alone else engine.together
    with contextlib.closing(together(streams, at_once)) as growing:
        for answer in growing:
            if answer is None:  # nothing new: any of those that still grow
                answer = next((a for a in answers.values() if not a.done), None)
            if answer is not None:
                answers[answer.method] = answer
                yield answer


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


class _Stopwatch:
    def __init__(self) -> None:
        self._started = time.perf_counter()

    def ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000


def _answer(
    answer: Answer,
    engine: Engine,
    settings: Settings,
    question: str,
    retriever: "PassageRetriever | None",
    adapter: Adapter | None,
) -> Generator[Answer]:
    """Yield one method's answer as it grows; a failure is told in the last one."""
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

    def fits(said: list[dict[str, str]]) -> bool:
        tokens = engine.count_tokens(said)
        if tokens is None or engine.room is None:
            return True
        return tokens + settings.max_new_tokens <= engine.room

    chain = make_chain(retriever, model, settings.system_prompt, settings.passage_prompt, fits)
    clock = _Stopwatch()
    for part in chain.stream(question):
        if "sources" in part:
            sources = tuple(_shown(source) for source in part["sources"])
            told = part["sources"][0].metadata if sources else {"rerank_ms": 0.0, "verify_ms": 0.0}
            rerank, verify = told["rerank_ms"], told["verify_ms"]
            times = Timings(
                search=max(0.0, clock.ms() - rerank - verify), rerank=rerank, verify=verify
            )
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


def _fingerprint(
    engine: Engine, settings: Settings, searching: "PassageRetriever | None"
) -> Fingerprint:
    retriever = "none"
    if searching is not None:
        from rag_backend.embeddings import NAME

        retriever = _hash(
            NAME,
            settings.search,
            settings.reranker,
            settings.candidates,
            settings.retrieved,
            settings.diversity,
            settings.around,
            settings.read,
            settings.min_score,
            searching.threshold,
            settings.passage_prompt,
            searching.index.fingerprint(),
            str(searching.only),
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
