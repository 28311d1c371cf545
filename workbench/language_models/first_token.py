"""What a model would say first: the logits of a few tokens, without writing an answer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.hardware import best_device, fastest_dtype
from workbench.language_models.adapters import with_adapter
from workbench.language_models.choose import choose_engine
from workbench.language_models.loading import Checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import encode

Chat = Sequence[dict[str, str]]
FirstToken = Callable[[Chat], list[float]]
"""From a conversation to the logits of the words in question, as the answer's first token."""


def load_first_token(
    checkpoint: Checkpoint, adapter: Path, words: Sequence[str], engine: str = "auto"
) -> FirstToken:
    """Load a model with an adapter, to be asked for the logits of a few words.

    Args:
        checkpoint: the base model, on this machine.
        adapter: a PEFT folder.
        words: what the answer may begin with; each is one token.
        engine: as in the settings; "auto" takes transformers where int8 serves the
            checkpoint, but not with the adapter.

    Returns:
        A function that several threads may call; it raises RagtuneError where the
        conversation doesn't fit the model's context.

    Raises:
        RagtuneError: the adapter doesn't fit the checkpoint.
        ValueError: a word is not one token.
    """
    if choose_engine(engine, checkpoint).engine == "int8":
        try:
            return _int8(checkpoint, adapter, words)
        except RagtuneError:  # the engine serves the checkpoint, but not with this adapter
            if engine == "int8":
                raise
    return _transformers(checkpoint, adapter, words)


def _int8(checkpoint: Checkpoint, adapter: Path, words: Sequence[str]) -> FirstToken:
    from workbench.language_models.int8.forward import forward, new_cache
    from workbench.language_models.int8.prepared import load_adapter, load_base
    from workbench.language_models.tokenizer import serving_tokenizer

    tokenizer = serving_tokenizer(checkpoint)
    base = load_base(checkpoint)
    weights = load_adapter(checkpoint, base, tokenizer, adapter)
    wanted = _tokens(tokenizer, words)

    def first_token(chat: Chat) -> list[float]:
        prompt = encode(tokenizer, chat, 0, weights.shape.positions, checkpoint.name)
        logits: list[float] = forward(weights, [(new_cache(weights, len(prompt)), prompt)])[
            0, wanted
        ].tolist()
        return logits

    return first_token


def _transformers(checkpoint: Checkpoint, adapter: Path, words: Sequence[str]) -> FirstToken:
    import torch

    device = best_device()
    model = load_weights(checkpoint, torch.float32, device)
    model = with_adapter(model, adapter, checkpoint).merge_and_unload().to(fastest_dtype(device))
    tokenizer = load_tokenizer(checkpoint)
    room = getattr(model.config, "max_position_embeddings", None)
    wanted = _tokens(tokenizer, words)

    def first_token(chat: Chat) -> list[float]:
        prompt = encode(tokenizer, chat, 0, room, checkpoint.name)
        with torch.inference_mode():
            out = model(torch.tensor([prompt], device=device), use_cache=False, logits_to_keep=1)
        logits: list[float] = out.logits[0, -1, wanted].float().tolist()
        return logits

    return first_token


def _tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """Return the words' tokens."""
    tokens = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
    if any(len(one) != 1 for one in tokens):
        raise ValueError(f"{', '.join(words)} were given; words of one token each were expected.")
    return [one[0] for one in tokens]
