"""How likely a model finds a text as its answer, without writing one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.language_models.prompts import encode, render, shared_tokens


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The probability of one text."""

    nats: float
    """Its natural logarithm: the sum over the text's tokens, 0 or less."""
    tokens: int
    """At least one."""

    @property
    def nats_per_token(self) -> float:
        """Return the mean of the tokens' logarithms."""
        return self.nats / self.tokens


def split(
    tokenizer: Any,
    chat: Sequence[dict[str, str]],
    texts: Sequence[str],
    room: int | None,
    model: str,
) -> tuple[list[int], list[list[int]]]:
    """Return a conversation in tokens, and behind it those of each text as its answer.

    Where a tokenizer joins the end of the prompt with the beginning of a text, the tokens of all
    texts begin before that, so that all are weighed alike.

    Args:
        tokenizer: the model's.
        chat: chat messages with ``role`` and ``content``.
        texts: at least one, none of them empty.
        room: the model's context in tokens; None where it has no bound.
        model: the model's name, for the error.

    Raises:
        RagtuneError: the conversation and the longest text don't fit the context.
    """

    def tokens(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    prompt = encode(tokenizer, chat, max(len(tokens(text)) for text in texts), room, model)
    said = render(tokenizer, list(chat))
    whole = [tokens(said + text) for text in texts]
    begin = min(min(shared_tokens(prompt, one), len(one) - 1) for one in whole)
    return prompt[:begin], [one[begin:] for one in whole]


def likelihood(logits: Any, tokens: Sequence[int]) -> Likelihood:
    """Return how likely a text is.

    Args:
        logits: what the model says before each of its tokens, an array of shape (tokens,
            vocabulary).
        tokens: the text's.
    """
    given = np.asarray(logits, dtype=np.float64)
    most = given.max(axis=-1)
    totals = most + np.log(np.exp(given - most[:, None]).sum(axis=-1))
    said = given[np.arange(len(tokens)), list(tokens)] - totals
    return Likelihood(float(said.sum()), len(tokens))
