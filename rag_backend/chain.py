"""The RAG chain: search, read, answer. A LangChain Runnable that streams."""

import dataclasses
import threading
from typing import Any

from langchain.chat_models import BaseChatModel
from langchain.messages import AIMessage
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableBranch,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from pydantic import PrivateAttr

from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from workbench.language_models.prompts import messages, passage_prompt
from workbench.settings import Settings
from workbench.values import Passage

NOT_IN_DOCUMENTS = "I don't know: nothing in the documents matches this question."


class PassageRetriever(BaseRetriever):
    """Finds passages, best first; see `rag_backend.search.find`.

    Every document's metadata has ``document``, ``page``, ``headings``, ``text`` (the
    passage alone), ``score`` (cosine), ``words`` and ``fit`` (see `Source`), ``search_ms``
    and ``rerank_ms`` (of the whole search), and ``read``: whether the model gets to read it.
    """

    index: Any
    """A `rag_backend.index.PassageIndex`."""
    settings: Any
    """The `workbench.settings.Settings` of search, reranker and reading."""
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
        found = find(self.index, query, settings)
        return [
            Document(
                page_content=embedding_text(
                    source.document, Passage(source.text, source.headings, source.page)
                ),
                metadata={
                    **dataclasses.asdict(source),
                    "search_ms": found.search_ms,
                    "rerank_ms": found.rerank_ms,
                    "read": rank < settings.read and source.score >= settings.min_score,
                },
            )
            for rank, source in enumerate(found.sources)
        ]


def make_chain(
    retriever: BaseRetriever, model: BaseChatModel, system_prompt: str = ""
) -> Runnable[str, dict[str, Any]]:
    """Return the chain: a question in; ``question``, ``sources`` and ``answer`` out.

    Streamed, it gives ``{"sources": [...]}`` first and then ``{"answer": chunk}`` for
    every piece of the answer. Where no source is good enough to be read, the answer is
    `NOT_IN_DOCUMENTS` and the model is not asked.
    """

    def prompt(state: dict[str, Any]) -> list[BaseMessage | dict[str, str]]:
        passages = "\n\n".join(s.page_content for s in state["sources"] if s.metadata["read"])
        user = passage_prompt(passages, state["question"])
        return list(messages(user, system_prompt))

    answer = RunnableBranch(
        (
            lambda state: not any(s.metadata["read"] for s in state["sources"]),
            RunnableLambda(lambda _state: AIMessage(content=NOT_IN_DOCUMENTS)),
        ),
        RunnableLambda(prompt) | model,
    )
    found = RunnableParallel(question=RunnablePassthrough(), sources=retriever)
    return found | RunnablePassthrough.assign(answer=answer)
