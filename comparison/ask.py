"""One question to several columns, with equal conditions and a stopwatch."""

import contextlib
import hashlib
import json
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from comparison.answer import Answer, Fingerprint, Timings
from comparison.answering import answering, retriever_of
from comparison.columns import METHODS, Column, as_columns, check_methods
from comparison.lab import Lab
from comparison.together import together
from rag_backend.search.follow_up import complete
from rag_backend.search.only import EVERYTHING, Only
from workbench.errors import RagtuneError
from workbench.language_models.engine import Engine
from workbench.language_models.prompts import check_question
from workbench.settings import Settings

if TYPE_CHECKING:
    from rag_backend.answer.chain import PassageRetriever

__all__ = ["METHODS", "ask", "check_methods"]

_HASH_CHARACTERS = 16


def ask(
    lab: Lab,
    question: str,
    methods: Sequence[str | Column] = METHODS,
    adapter: str | None = None,
    *,
    earlier: Sequence[str] = (),
    only: Only = EVERYTHING,
    alone: bool = False,
    engine: Engine | None = None,
) -> Generator[Answer]:
    """Ask all columns, yielding their answers as they grow, in whichever order they do.

    As many columns are asked at once as the engine answers at once. What stands beside an
    answer never changes its text, but it does take time from it. Every column's last
    answer has ``done`` set, and ``error`` where it failed; the others go on.

    A tenth of a second never passes without an answer, if only the same one again, so that
    whoever reads can stop. Closing the generator stops all columns.

    Args:
        lab: where documents, adapters and the models are.
        question: the question.
        methods: some of `METHODS`, or columns: two adapters can stand beside each other.
        adapter: name of the adapter for the methods "finetuned" and "hybrid"; by default the
            newest, or on a server its only other model.
        earlier: what was asked before in this conversation, oldest first: a follow-up question
            is asked together with the one that it follows.
        only: what the search is limited to.
        alone: ask one column after the other, so that each one's times are its own.
        engine: what answers for the settings' model; by default what they lead to now. Another
            model is loaded beside it, and not kept.

    Raises:
        RagtuneError: the question is unusable, a method is unknown, or a column is not ready.
    """
    asked, started = check_question(question), time.perf_counter()
    question = check_question(complete(asked, earlier))
    rewriting = Timings(rewrite=(time.perf_counter() - started) * 1000)
    columns = as_columns(methods, adapter)
    settings = lab.settings
    for column in columns:
        missing = lab.missing(column.method, column.adapter, column.model)
        if missing:
            raise RagtuneError(f"{column.label} can't answer yet: {missing}")
    engines: dict[str | None, Engine] = {None: engine or lab.engine()}
    for column in columns:
        if column.model is not None and column.model not in engines:
            engines[column.model] = lab.engine_beside(column.model)
    retriever = None
    if any(column.searches for column in columns):
        retriever = retriever_of(lab, settings, only, once=not alone)
    answers: dict[Column, Answer] = {}
    streams = []
    for column in columns:
        serving = engines[column.model]
        tuned = lab.adapter(column.adapter, column.model) if column.tuned else None
        searching = retriever if column.searches else None
        answer = Answer(
            method=column.method,
            question=question,
            asked=asked,
            timings_ms=rewriting,
            model=serving.checkpoint.name,
            beside=column.model is not None,
            adapter=tuned.name if tuned else None,
            fingerprint=_fingerprint(serving, settings, searching),
            threshold=searching.threshold if searching else None,
        )
        if answer.column not in answers:  # the newest adapter may have been named, too
            answers[answer.column] = answer
            streams.append(answering(answer, serving, settings, question, searching, tuned))
    at_once = 1 if alone else min(serving.together for serving in engines.values())
    with contextlib.closing(together(streams, at_once)) as growing:
        for grown in growing:
            # Where nothing is new: any of those that still grow.
            grown = grown or next((one for one in answers.values() if not one.done), None)
            if grown is not None:
                answers[grown.column] = grown
                yield grown


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
