"""The RAG chain: search, read, answer. A LangChain Runnable that streams."""

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

from rag_backend.index import PassageIndex
from workbench.language_models.prompts import messages, passage_prompt
from workbench.settings import Settings

NOT_IN_DOCUMENTS = "I don't know: nothing in the documents matches this question."


class PassageRetriever(BaseRetriever):
    """Finds passages, best first.

    Every document's metadata has ``document``, ``page``, ``headings``, ``text`` (the
    passage alone), ``score`` (cosine) and ``read``: whether the model gets to read it.
    """

    index: Any
    """A `rag_backend.index.PassageIndex`."""
    retrieved: int = 5
    read: int = 2
    min_score: float = 0.25
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
        index: PassageIndex = self.index
        found = index.store().similarity_search_with_score(query, k=self.retrieved)
        return [
            Document(
                page_content=document.page_content,
                metadata={
                    **document.metadata,
                    "score": float(score),
                    "read": rank < self.read and float(score) >= self.min_score,
                },
            )
            for rank, (document, score) in enumerate(found)
        ]


def make_retriever(
    index: PassageIndex, settings: Settings, *, once: bool = False
) -> PassageRetriever:
    """Return the retriever that the settings describe; see `PassageRetriever.once`."""
    return PassageRetriever(
        index=index,
        retrieved=settings.retrieved,
        read=settings.read,
        min_score=settings.min_score,
        once=once,
    )


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
