"""The reference engine: PyTorch and transformers, one request at a time."""

import contextlib
import copy
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.hardware import best_device
from workbench.language_models.adapters import with_adapter
from workbench.language_models.engine import BEAT_SECONDS, Piece
from workbench.language_models.likelihood import Likelihood, likelihood, split
from workbench.language_models.loading import (
    Checkpoint,
    load_tokenizer,
    load_weights,
)
from workbench.language_models.prompts import count_tokens, encode, text_of

_ADAPTERS_KEPT = 4
_WAITING = 24
_WEIGHED_TOGETHER = 8


class TransformersEngine:
    """Holds one checkpoint in memory and switches LoRA adapters on and off per request."""

    name = "transformers"
    together = 1
    no_likelihoods = ""

    def __init__(self, checkpoint: Checkpoint) -> None:
        import torch

        self.checkpoint = checkpoint
        self._device = best_device()
        self._dtype = torch.float32 if self._device == "cpu" else torch.bfloat16
        self.precision = str(self._dtype).removeprefix("torch.")
        self._tokenizer = load_tokenizer(checkpoint)
        self._base = load_weights(checkpoint, self._dtype, self._device)
        self.room = getattr(self._base.config, "max_position_embeddings", None)
        self._with_adapters: Any = None  # a PeftModel around the base, once one is used
        self._adapters: dict[str, str] = {}  # adapter folder → its name in the PeftModel
        self._line = _Line()

    def waiting(self) -> int:
        """Return how many conversations wait for a place."""
        return self._line.waiting()

    def describe(self) -> str:
        """See `Engine.describe`."""
        return (
            f"transformers answers in {self.precision} on {self._device}, one question at a time."
        )

    def prepare(self, adapter: str) -> None:
        """Load an adapter; see `Engine.prepare`."""
        with self._line.turn():
            self._switch(adapter)

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
        asked = time.perf_counter()
        with self._line.ticket() as ticket:
            while place := self._line.place(ticket):
                yield Piece("", (time.perf_counter() - asked) * 1000, 0, 0, place)
            queue_ms = (time.perf_counter() - asked) * 1000
            prompt = encode(
                self._tokenizer, messages, max_new_tokens, self.room, self.checkpoint.name
            )
            tokens = self._tokens(prompt, adapter, max_new_tokens)
            for text, written in text_of(self._tokenizer, tokens):
                yield Piece(text, queue_ms, len(prompt), written)

    def likelihoods(
        self,
        messages: Sequence[dict[str, str]],
        texts: Sequence[str],
        *,
        adapter: str | None = None,
    ) -> list[Likelihood]:
        """Weigh texts; see `Engine.likelihoods`. The conversation is read once for all of them."""
        import torch

        prompt, answers = split(self._tokenizer, messages, texts, self.room, self.checkpoint.name)
        with self._line.turn(), torch.inference_mode():
            model, found = self._switch(adapter), []
            read = model(
                input_ids=torch.tensor([prompt], device=self._device),
                use_cache=True,
                logits_to_keep=1,
            )
            for start in range(0, len(answers), _WEIGHED_TOGETHER):
                group = answers[start : start + _WEIGHED_TOGETHER]
                longest = max(map(len, group))
                logits = read.logits.expand(len(group), -1, -1)
                if longest > 1:
                    # What fills a shorter text up stands behind it, where none of its tokens look.
                    filled = [(tokens + tokens[-1:] * longest)[: longest - 1] for tokens in group]
                    cache = copy.deepcopy(read.past_key_values)  # it grows with what is read
                    cache.batch_repeat_interleave(len(group))
                    on = torch.tensor(filled, device=self._device)
                    more = model(input_ids=on, past_key_values=cache, use_cache=True).logits
                    logits = torch.cat([logits, more], dim=1)
                for said, tokens in zip(logits.float().cpu().numpy(), group, strict=True):
                    found.append(likelihood(said[: len(tokens)], tokens))
        return found

    def _tokens(self, prompt: list[int], adapter: str | None, limit: int) -> Iterator[list[int]]:
        import torch

        ends = self._base.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        model = self._switch(adapter)
        cache, step = None, torch.tensor([prompt], device=self._device)
        for _ in range(limit):
            # Not around the loop: the mode is a thread's, and the next step may be another one's.
            with torch.inference_mode():
                out = model(input_ids=step, past_key_values=cache, use_cache=True, logits_to_keep=1)
                cache = out.past_key_values
                step = out.logits[:, -1].argmax(dim=-1, keepdim=True)
                token = int(step.item())
            if token in ends:
                return
            yield [token]

    def _switch(self, adapter: str | None) -> Any:
        """Return the model with exactly this adapter applied."""
        if adapter is None:
            if self._with_adapters is not None:
                self._with_adapters.base_model.disable_adapter_layers()
            return self._base
        name = self._adapters.pop(adapter, None) or self._load(adapter)
        self._adapters[adapter] = name  # last in the dict: the most recently used
        if len(self._adapters) > _ADAPTERS_KEPT:
            oldest = next(iter(self._adapters))
            self._with_adapters.delete_adapter(self._adapters.pop(oldest))
        self._with_adapters.base_model.enable_adapter_layers()
        self._with_adapters.set_adapter(name)
        return self._with_adapters

    def _load(self, adapter: str) -> str:
        name = f"adapter_{time.monotonic_ns()}"
        try:
            self._with_adapters = with_adapter(
                self._with_adapters or self._base, Path(adapter), self.checkpoint, name
            )
        except RagtuneError:
            # A failed load leaves its layers behind; start over from clean weights.
            self._base = load_weights(self.checkpoint, self._dtype, self._device)
            self._with_adapters, self._adapters = None, {}
            raise
        return name


class _Line:
    """Lets in one at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._tickets: deque[object] = deque()  # the first one is in, the others wait
        self._moved = threading.Condition()

    def waiting(self) -> int:
        return max(0, len(self._tickets) - 1)

    @contextlib.contextmanager
    def ticket(self) -> Iterator[object]:
        """Stand in the line, and leave it at the end.

        Raises:
            RagtuneError: too many are waiting already.
        """
        ticket = object()
        with self._moved:
            if self.waiting() >= _WAITING:
                raise RagtuneError(
                    f"Busy: a question is being answered and {_WAITING} wait. "
                    "Try again in a moment."
                )
            self._tickets.append(ticket)
        try:
            yield ticket
        finally:
            with self._moved:
                self._tickets.remove(ticket)
                self._moved.notify_all()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, however long it takes; see `ticket`."""
        with self.ticket() as ticket:
            while self.place(ticket):
                pass
            yield

    def place(self, ticket: object) -> int:
        """Wait a moment for the turn, and return the place in the line; 0 is in."""
        with self._moved:
            self._moved.wait_for(lambda: self._tickets[0] is ticket, timeout=BEAT_SECONDS)
            return self._tickets.index(ticket)
