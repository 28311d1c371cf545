"""The int8 engine: several times the reference's speed on a CPU, many people at once."""

import contextlib
import functools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.language_models.engine import Piece
from workbench.language_models.int8.batcher import TOGETHER, Batcher, Request
from workbench.language_models.int8.forward import Cache, begin, beginning, forward, new_cache
from workbench.language_models.int8.prepared import load_adapter, load_base, load_parity
from workbench.language_models.int8.weights import Int8Weights
from workbench.language_models.likelihood import Likelihood, likelihood, split
from workbench.language_models.loading import Checkpoint
from workbench.language_models.prompts import count_tokens, encode, opening_tokens, text_of
from workbench.language_models.tokenizer import serving_tokenizer

_KNOWN_OPENINGS = 16


class Int8Engine:
    """Holds one checkpoint, and copies of it with an adapter merged, as 8-bit integers.

    Its answers differ a little from the reference's; which question stands beside which
    changes nothing.
    """

    name = "int8"
    precision = "weights 8 bit, activations 8 bit"
    together = TOGETHER
    no_likelihoods = ""

    def __init__(self, checkpoint: Checkpoint, adapter_bytes: int) -> None:
        """Load a prepared checkpoint.

        Args:
            checkpoint: one that is ready; see `prepared.readiness`.
            adapter_bytes: how much memory the copies with an adapter may take together;
                the least recently used ones are dropped, the one in use never.
        """
        self.checkpoint = checkpoint
        self._base = load_base(checkpoint)
        self._tokenizer = serving_tokenizer(checkpoint)
        self._adapters: dict[str, Int8Weights] = {}  # the most recently used one last
        self._adapter_bytes = adapter_bytes
        self._loading = threading.Lock()
        self._opening_tokens = functools.lru_cache(_KNOWN_OPENINGS)(
            functools.partial(opening_tokens, self._tokenizer)
        )
        self._batcher = Batcher()
        self.room: int | None = self._base.shape.positions

    def waiting(self) -> int:
        """Return how many conversations wait for a place."""
        return self._batcher.waiting()

    def describe(self) -> str:
        """See `Engine.describe`."""
        parity, copies = load_parity(self.checkpoint), list(self._adapters.values())
        filled = sum(copy.layer_bytes for copy in copies) / 1e6
        return (
            f"int8 answers, up to {TOGETHER} questions at a time. Beside float32 its next-token "
            f"distributions are {parity.divergence:.4f} nats apart, {parity.equal_texts} of "
            f"{parity.texts} texts are equal, and it reads with F1 {parity.reading_f1:.3f} "
            f"(float32: {parity.reference_f1:.3f}). Copies with an adapter: {len(copies)}, which "
            f"fill {filled:.0f} of {self._adapter_bytes / 1e6:.0f} MB."
        )

    def prepare(self, adapter: str) -> None:
        """Load an adapter; see `Engine.prepare`."""
        self._weights(adapter)

    def count_tokens(self, messages: Sequence[dict[str, str]]) -> int:
        """See `Engine.count_tokens`."""
        return count_tokens(self._tokenizer, messages)

    def stream(
        self,
        messages: Sequence[dict[str, str]],
        *,
        adapter: str | None = None,
        max_new_tokens: int,
    ) -> Iterator[Piece]:
        """Answer a conversation; see `Engine.stream`."""
        weights = self._weights(adapter)
        name = self.checkpoint.name
        prompt = encode(self._tokenizer, messages, max_new_tokens, self.room, name)
        system = messages[0]["content"] if messages[0]["role"] == "system" else ""
        opening = self._opening_tokens(system)
        request = Request(weights, prompt, frozenset(weights.shape.ends), max_new_tokens, opening)
        with contextlib.closing(self._batcher.tokens(request)) as tokens:
            for text, written in text_of(self._tokenizer, tokens):
                place = 0 if written else self._batcher.place(request)
                yield Piece(text, request.queue_ms, len(prompt), written, place)

    def likelihoods(
        self,
        messages: Sequence[dict[str, str]],
        texts: Sequence[str],
        *,
        adapter: str | None = None,
    ) -> list[Likelihood]:
        """Weigh texts; see `Engine.likelihoods`. The conversation is read once for all of them.

        Waits in no line: whoever is being answered takes turns with it, pass by pass.
        """
        weights, name = self._weights(adapter), self.checkpoint.name
        prompt, answers = split(self._tokenizer, messages, texts, self.room, name)
        cache = new_cache(weights, len(prompt))
        first = forward(weights, [(cache, prompt)])[0]
        begun = beginning(cache, len(prompt))
        return [
            one
            for start in range(0, len(answers), TOGETHER)
            for one in _weigh(weights, begun, first, answers[start : start + TOGETHER])
        ]

    def _weights(self, adapter: str | None) -> Int8Weights:
        if adapter is None:
            return self._base
        with self._loading:
            weights = self._adapters.pop(adapter, None) or load_adapter(
                self.checkpoint, self._base, self._tokenizer, Path(adapter)
            )
            self._adapters[adapter] = weights
            while (
                len(self._adapters) > 1
                and sum(w.layer_bytes for w in self._adapters.values()) > self._adapter_bytes
            ):
                del self._adapters[next(iter(self._adapters))]
            return weights


def _weigh(
    weights: Int8Weights, begun: Cache, first: Any, texts: Sequence[list[int]]
) -> list[Likelihood]:
    """Weigh a few texts together, token by token.

    Args:
        weights: what weighs.
        begun: what stands before each of them.
        first: the logits behind that.
        texts: their tokens.
    """
    caches = [new_cache(weights, begun.length + len(tokens)) for tokens in texts]
    for cache in caches:
        begin(cache, begun)
    logits = [[first] for _ in texts]
    for step in range(max(map(len, texts)) - 1):
        going = [place for place, tokens in enumerate(texts) if step + 1 < len(tokens)]
        parts = [(caches[place], [texts[place][step]]) for place in going]
        for place, said in zip(going, forward(weights, parts), strict=True):
            logits[place].append(said)
    return [likelihood(np.stack(said), one) for said, one in zip(logits, texts, strict=True)]
