"""Ragtune's language model as a LangChain chat model."""

from collections.abc import Iterator
from typing import Any

from langchain.chat_models import BaseChatModel
from langchain.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from workbench.language_models.engine import Engine, Piece


class EngineChatModel(BaseChatModel):
    """Streams from an engine, with or without an adapter.

    Every chunk carries its share of the token counts as ``usage_metadata``; the first one
    of the answer has the wait for the engine as ``response_metadata["queue_ms"]``. Before
    it come empty ones, with ``response_metadata["place"]`` where the place in the engine's
    line changes: by how much, so that the sum is the place.
    """

    engine: Any
    """A `workbench.language_models.engine.Engine`."""
    adapter: str | None = None
    max_new_tokens: int = 64

    @property
    def _llm_type(self) -> str:
        return "ragtune"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if stop:
            raise ValueError(f"stop={stop!r} was given; Ragtune's models stop by themselves.")
        engine: Engine = self.engine
        told = Piece("", 0.0, 0, 0)
        for piece in engine.stream(
            [_plain(message) for message in messages],
            adapter=self.adapter,
            max_new_tokens=self.max_new_tokens,
        ):
            # LangChain adds chunks up, and a server tells the counts after its last word:
            # so all of them are differences.
            prompt = piece.prompt_tokens - told.prompt_tokens
            fresh = piece.completion_tokens - told.completion_tokens
            about: dict[str, Any] = {}
            if piece.place != told.place:
                about["place"] = piece.place - told.place
            if fresh and not told.completion_tokens:
                about["queue_ms"] = piece.queue_ms
            told = piece
            chunk = ChatGenerationChunk(
                message=AIMessageChunk(
                    content=piece.text,
                    usage_metadata={
                        "input_tokens": prompt,
                        "output_tokens": fresh,
                        "total_tokens": prompt + fresh,
                    },
                    response_metadata=about,
                )
            )
            if run_manager:
                run_manager.on_llm_new_token(piece.text, chunk=chunk)
            yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        whole = AIMessageChunk(content="")
        for chunk in self._stream(messages, stop, run_manager, **kwargs):
            whole += chunk.message  # type: ignore[assignment]
        message = AIMessage(
            content=whole.content,
            usage_metadata=whole.usage_metadata,
            response_metadata=whole.response_metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])


def _plain(message: BaseMessage) -> dict[str, str]:
    for kind, role in ((SystemMessage, "system"), (HumanMessage, "user"), (AIMessage, "assistant")):
        if isinstance(message, kind):
            return {"role": role, "content": message.text}
    raise ValueError(f"A {message.type} message was given; system, human or ai was expected.")
