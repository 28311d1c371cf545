"""The RAG chain: search, read, answer. A LangChain Runnable that streams."""

import dataclasses
import threading
import time
from typing import Any

from langchain.chat_models import BaseChatModel
from langchain.messages import AIMessage
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import convert_to_messages
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableBranch,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from pydantic import PrivateAttr

from rag_backend.answer.read import Fits, write_prompt
from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from rag_backend.search.only import EVERYTHING
from workbench.language_models.prompts import DEFAULT_TEMPLATE
from workbench.settings import Settings
from workbench.values import Passage

NOT_IN_DOCUMENTS = "I don't know: nothing in the documents matches this question."
NOT_ANSWERED = "I don't know: what was found in the documents does not answer this question."


class PassageRetriever(BaseRetriever):
    """Finds passages, best first; see `rag_backend.search.find`.

    Every document's metadata has ``document``, ``page``, ``headings``, ``text`` (the
    passage alone), ``score`` (cosine), ``words`` and ``fit`` (see `Source`), ``times_ms`` (of
    the whole search: ``embed``, ``dense``, ``words``, ``fuse``, ``rerank`` and ``verify``),
    ``holds`` (what the verifier says of it; None where it was not asked), and ``read``: whether
    the model gets to read it.
    """

    index: Any
    """A `rag_backend.index.passage_index.PassageIndex`."""
    settings: Any
    """The `workbench.settings.Settings` of search, reranker and reading."""
    threshold: float | None = None
    """Where the verifier says less of all passages than this, none is read; None: don't ask it."""
    only: Any = EVERYTHING
    """A `rag_backend.search.only.Only`: what the search is limited to."""
    once: bool = False
    """Search for a question only once, for all who ask it: the columns of one comparison."""
    _found: dict[str, list[Document]] = PrivateAttr(default_factory=dict)
    _searching: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        if not self.once:
            return self._search(query)
        with self._searching:
            if query not in self._found:
                self._found[query] = self._search(query)
            return self._found[query]

    def _search(self, query: str) -> list[Document]:
        settings: Settings = self.settings
        found = find(self.index, query, settings, self.only)
        texts = [
            embedding_text(source.document, Passage(source.text, source.headings, source.page))
            for source in found.sources
        ]
        good = [
            rank
            for rank, source in enumerate(found.sources[: settings.read])
            if source.score >= settings.min_score
        ]
        holds, verify_ms = dict[int, float](), 0.0
        if good and self.threshold is not None:
            verifier, started = self.index.verifier(), time.perf_counter()
            holds = {rank: verifier.score(query, texts[rank]) for rank in good}
            verify_ms = (time.perf_counter() - started) * 1000
            if max(holds.values()) < self.threshold:
                good = []
        return [
            Document(
                id=str(source.id),
                page_content=texts[rank],
                metadata={
                    **dataclasses.asdict(source),
                    "times_ms": {
                        "embed": found.embed_ms,
                        "dense": found.dense_ms,
                        "words": found.words_ms,
                        "fuse": found.fuse_ms,
                        "rerank": found.rerank_ms,
                        "verify": verify_ms,
                    },
                    "holds": holds.get(rank),
                    "read": rank in good,
                    "dropped": False,
                },
            )
            for rank, source in enumerate(found.sources)
        ]


def make_chain(
    retriever: BaseRetriever,
    model: BaseChatModel,
    system_prompt: str = "",
    template: str = DEFAULT_TEMPLATE,
    fits: Fits = lambda _messages: True,
) -> Runnable[str, dict[str, Any]]:
    """Return the chain: a question in; ``question``, ``sources``, ``prompt``, ``answer`` out.

    Streamed, it gives ``{"sources": [...], "prompt": [...]}`` first, the prompt as chat
    messages, and then ``{"answer": chunk}`` for every piece of the answer. Where no source is
    good enough to be read, there is no prompt, the model is not asked, and the answer is
    what `declined` says. See `make_reader` for the other arguments.
    """
    answer = RunnableBranch(
        (
            lambda state: not state["prompt"],
            RunnableLambda(lambda state: AIMessage(content=declined(state["sources"]))),
        ),
        RunnableLambda(lambda state: convert_to_messages(state["prompt"])) | model,
    )
    reader = make_reader(retriever, system_prompt, template, fits)
    return reader | RunnablePassthrough.assign(answer=answer)


def make_reader(
    retriever: BaseRetriever,
    system_prompt: str = "",
    template: str = DEFAULT_TEMPLATE,
    fits: Fits = lambda _messages: True,
) -> Runnable[str, dict[str, Any]]:
    """Return the chain up to the model: a question in; ``question``, ``sources``, ``prompt`` out.

    Passages that the model has no room for are dropped, the last ones first; their metadata
    says ``dropped``.
    """

    def write(found: dict[str, Any]) -> dict[str, Any]:
        sources: list[Document] = found["sources"]
        chosen = [source for source in sources if source.metadata["read"]]
        if not chosen:
            return {**found, "prompt": []}
        prompt = write_prompt(found["question"], chosen, fits, template, system_prompt)
        dropped = {source.id for source in chosen[prompt.passages :]}
        told = [
            Document(
                id=source.id,
                page_content=source.page_content,
                metadata={
                    **source.metadata,
                    "read": source.metadata["read"] and source.id not in dropped,
                    "dropped": source.id in dropped,
                },
            )
            for source in sources
        ]
        return {**found, "sources": told, "prompt": list(prompt.messages)}

    found = RunnableParallel(question=RunnablePassthrough(), sources=retriever)
    return found | RunnableLambda(write)


def declined(sources: list[Document]) -> str:
    """Return the answer where none of these sources is good enough to be read.

    It is `NOT_IN_DOCUMENTS`, or `NOT_ANSWERED` where the verifier decided.
    """
    verified = any(source.metadata["holds"] is not None for source in sources)
    return NOT_ANSWERED if verified else NOT_IN_DOCUMENTS
