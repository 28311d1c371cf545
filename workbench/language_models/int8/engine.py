"""The int8 engine: several times the reference's speed on a CPU, many people at once."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.language_models.engine import Piece
from workbench.language_models.int8.batcher import TOGETHER, Batcher, Request
from workbench.language_models.int8.convert import Int8Weights, convert
from workbench.language_models.int8.forward import activation_levels
from workbench.language_models.loading import Checkpoint, load_weights
from workbench.language_models.prompts import encode, text_of
from workbench.language_models.tokenizer import serving_tokenizer

_ADAPTER_BYTES = 1_000_000_000
_PROBE = "The capital of France is Paris, and the river that runs through it is the"
_LARGEST_DIVERGENCE = 0.1


class Int8Engine:
    """Holds one checkpoint, and copies of it with an adapter merged, as 8-bit integers.

    Its answers differ a little from the reference's; which question stands beside which
    changes nothing.
    """

    name = "int8"
    together = TOGETHER

    def __init__(self, checkpoint: Checkpoint) -> None:
        import torch

        self.checkpoint = checkpoint
        self.precision = f"weights 8 bit, activations {activation_levels().bit_length() + 1} bit"
        self._tokenizer = serving_tokenizer(checkpoint)
        model = load_weights(checkpoint, torch.float32, "cpu")
        ends = model.generation_config.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, list) else [ends])
        self._room = model.config.max_position_embeddings
        self._base = convert(model)
        self._adapters: dict[str, Int8Weights] = {}  # the most recently used one last
        self._loading = threading.Lock()
        self._batcher = Batcher()

    def waiting(self) -> int:
        """Return how many conversations wait for a place."""
        return self._batcher.waiting()

    def prepare(self, adapter: str) -> None:
        """Load an adapter; see `Engine.prepare`."""
        self._weights(adapter)

    def stream(
        self,
        messages: Sequence[dict[str, str]],
        *,
        adapter: str | None = None,
        max_new_tokens: int,
    ) -> Iterator[Piece]:
        """Answer a conversation; see `Engine.stream`."""
        prompt = encode(self._tokenizer, messages, max_new_tokens, self._room, self.checkpoint.name)
        request = Request(self._weights(adapter), prompt, self._ends, max_new_tokens)
        written = 0
        with contextlib.closing(self._batcher.tokens(request)) as tokens:
            for text in text_of(self._tokenizer, tokens):
                written += text is not None
                place = 0 if written else self._batcher.place(request)
                yield Piece(text or "", request.queue_ms, len(prompt), written, place)

    def _weights(self, adapter: str | None) -> Int8Weights:
        if adapter is None:
            return self._base
        with self._loading:
            weights = self._adapters.pop(adapter, None) or self._merged(adapter)
            self._adapters[adapter] = weights
            while (
                len(self._adapters) > 1
                and sum(w.bytes for w in self._adapters.values()) > _ADAPTER_BYTES
            ):
                del self._adapters[next(iter(self._adapters))]
            return weights

    def _merged(self, adapter: str) -> Int8Weights:
        """Merge an adapter into a copy, and see that the copy says what PEFT says."""
        import torch

        from workbench.language_models.adapters import with_adapter

        model = load_weights(self.checkpoint, torch.float32, "cpu")
        probe = self._tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            base = _distribution(model(torch.tensor([probe])).logits[0, -1])
            tuned = with_adapter(model, Path(adapter), self.checkpoint)
            expected = _distribution(tuned(torch.tensor([probe])).logits[0, -1])
            weights = convert(tuned.merge_and_unload(), base=self._base)
            reached = _distribution(_logits(weights, probe))
        off, change = _divergence(expected, reached), _divergence(expected, base)
        if off > max(_LARGEST_DIVERGENCE, change / 2):
            raise RagtuneError(
                f"The int8 engine does not reproduce the adapter in {adapter} (divergence "
                f"{off:.3f} nats). Choose the engine transformers in Settings."
            )
        return weights


def _logits(weights: Int8Weights, tokens: list[int]) -> Any:
    from workbench.language_models.int8.forward import forward, new_cache

    return forward(weights, [(new_cache(weights, len(tokens)), tokens)])[0]


def _distribution(logits: Any) -> Any:
    return logits.float().log_softmax(-1)


def _divergence(expected: Any, reached: Any) -> float:
    """Return the Kullback-Leibler divergence of two log-distributions, in nats."""
    return float((expected.exp() * (expected - reached)).sum())
