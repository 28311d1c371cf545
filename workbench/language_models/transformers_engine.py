"""The reference engine: PyTorch and transformers, one request at a time."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.language_models.engine import Piece
from workbench.language_models.loading import (
    Checkpoint,
    best_device,
    load_tokenizer,
    load_weights,
)
from workbench.language_models.prompts import render

_ADAPTERS_KEPT = 4
_BROKEN_CHARACTER = "\ufffd"  # what an incomplete UTF-8 sequence decodes to


class TransformersEngine:
    """Holds one checkpoint in memory and switches LoRA adapters on and off per request."""

    name = "transformers"

    def __init__(self, checkpoint: Checkpoint) -> None:
        import torch

        self.checkpoint = checkpoint
        self._device = best_device()
        self._dtype = torch.float32 if self._device == "cpu" else torch.bfloat16
        self.precision = str(self._dtype).removeprefix("torch.")
        self._tokenizer = load_tokenizer(checkpoint)
        self._base = load_weights(checkpoint, self._dtype, self._device)
        self._with_adapters: Any = None  # a PeftModel around the base, once one is used
        self._adapters: dict[str, str] = {}  # adapter folder → its name in the PeftModel
        self._lock = threading.Lock()

    def prepare(self, adapter: str) -> None:
        """Load an adapter; see `Engine.prepare`."""
        with self._lock:
            self._switch(adapter)

    def stream(
        self,
        messages: Sequence[dict[str, str]],
        *,
        adapter: str | None = None,
        max_new_tokens: int,
    ) -> Iterator[Piece]:
        """Answer a conversation; see `Engine.stream`."""
        asked = time.perf_counter()
        with self._lock:
            queue_ms = (time.perf_counter() - asked) * 1000
            prompt = self._encode(messages, max_new_tokens)
            written: list[int] = []
            shown = ""
            for token in self._tokens(prompt, adapter, max_new_tokens):
                written.append(token)
                text = self._tokenizer.decode(written, skip_special_tokens=True)
                fresh = "" if text.endswith(_BROKEN_CHARACTER) else text[len(shown) :]
                shown += fresh
                yield Piece(fresh, queue_ms, prompt.shape[1], len(written))

    def _encode(self, messages: Sequence[dict[str, str]], max_new_tokens: int) -> Any:
        text = render(self._tokenizer, list(messages))
        prompt = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        room = getattr(self._base.config, "max_position_embeddings", None)
        if room is not None and prompt.shape[1] + max_new_tokens > room:
            raise RagtuneError(
                f"The question and its passages are {prompt.shape[1]:,} tokens long; with "
                f"{max_new_tokens} for the answer, {self.checkpoint.name} has room for "
                f"{room:,}. Ask less at once, or let fewer passages be read (Settings)."
            )
        return prompt.to(self._device)

    def _tokens(self, prompt: Any, adapter: str | None, limit: int) -> Iterator[int]:
        import torch

        ends = self._base.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        model = self._switch(adapter)
        cache, step = None, prompt
        with torch.inference_mode():
            for _ in range(limit):
                out = model(input_ids=step, past_key_values=cache, use_cache=True, logits_to_keep=1)
                cache = out.past_key_values
                step = out.logits[:, -1].argmax(dim=-1, keepdim=True)
                token = int(step.item())
                if token in ends:
                    return
                yield token

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
        from peft import PeftModel

        if not (Path(adapter) / "adapter_model.safetensors").exists():
            raise RagtuneError(
                f"There is no adapter in {adapter}: adapter_model.safetensors was expected."
            )
        name = f"adapter_{time.monotonic_ns()}"
        try:
            if self._with_adapters is None:
                self._with_adapters = PeftModel.from_pretrained(
                    self._base, adapter, adapter_name=name
                )
            else:
                self._with_adapters.load_adapter(adapter, adapter_name=name)
        except (RuntimeError, ValueError, KeyError) as error:
            # A failed load leaves its layers behind; start over from clean weights.
            self._base = load_weights(self.checkpoint, self._dtype, self._device)
            self._with_adapters, self._adapters = None, {}
            raise RagtuneError(
                f"The adapter in {adapter} does not fit {self.checkpoint.name}: it was made "
                "for another model. Choose its model in Settings, or train a new adapter."
            ) from error
        self._with_adapters.eval()
        return name
