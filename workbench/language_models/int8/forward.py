"""The forward pass on 8-bit weights: any number of conversations, each as if alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.language_models.int8 import kernel
from workbench.language_models.int8.weights import LANES, Int8Weights, aligned


@dataclass(slots=True)
class Cache:
    """Keys and values of one conversation."""

    keys: Any
    """Float32 of shape (layers, key heads, positions / 16, head size, 16)."""
    values: Any
    """Float32 of shape (layers, key heads, positions, head size)."""
    length: int = 0
    """Positions filled."""


def new_cache(weights: Int8Weights, positions: int) -> Cache:
    """Make room for a conversation of at most so many tokens."""
    shape, blocks = weights.shape, -(-positions // LANES)
    each = (len(weights.layers), shape.key_heads)
    size = math.prod(each) * blocks * LANES * shape.head_size
    keys, values = aligned(2 * size * 4).view(np.float32).reshape(2, size)
    return Cache(
        keys.reshape(*each, blocks, shape.head_size, LANES),
        values.reshape(*each, blocks * LANES, shape.head_size),
    )


def beginning(cache: Cache, length: int) -> Cache:
    """Return a copy of the first positions of a conversation."""
    blocks = -(-length // LANES)
    return Cache(cache.keys[:, :, :blocks].copy(), cache.values[:, :, :length].copy(), length)


def begin(cache: Cache, begun: Cache) -> None:
    """Let an empty cache hold what a `beginning` holds; it must have room for it."""
    cache.keys[:, :, : begun.keys.shape[2]] = begun.keys
    cache.values[:, :, : begun.length] = begun.values
    cache.length = begun.length


def forward(weights: Int8Weights, parts: Sequence[tuple[Cache, Sequence[int]]]) -> Any:
    """Return the next-token logits of `read`, float32 of shape (conversations, vocabulary)."""
    return read(weights, parts)[0]


def read(
    weights: Int8Weights, parts: Sequence[tuple[Cache, Sequence[int]]]
) -> tuple[Any, list[int]]:
    """Read the next tokens of several conversations; return what comes next in each.

    A conversation's logits are the same, to the bit, whatever stands beside it; vectors.h
    says why.

    Args:
        weights: a converted model.
        parts: caches, each with the tokens that follow what it holds.

    Returns:
        Logits, float32 of shape (conversations, vocabulary), and the most likely tokens.

    Raises:
        ValueError: a conversation reads nothing, more than it has room for, or no token.
    """
    known = range(weights.shape.vocabulary)
    for cache, fresh in parts:
        room = cache.values.shape[2] - cache.length
        if not 0 < len(fresh) <= room or min(fresh) not in known or max(fresh) not in known:
            raise ValueError(
                f"{len(fresh)} tokens were given; 1 to {room} of {len(known)} were expected."
            )
    logits = np.empty((len(parts), len(weights.head.scales)), dtype=np.float32)
    tokens = [np.array(fresh, dtype=np.int32) for _, fresh in parts]
    chosen = kernel.run(
        weights.struct,
        [
            kernel.PartStruct(
                cache.keys.ctypes.data,
                cache.values.ctypes.data,
                fresh.ctypes.data,
                cache.values.shape[2],
                cache.length,
                len(fresh),
            )
            for (cache, _), fresh in zip(parts, tokens, strict=True)
        ],
        logits,
    )
    for cache, fresh in parts:
        cache.length += len(fresh)
    return logits[:, : weights.shape.vocabulary], chosen
