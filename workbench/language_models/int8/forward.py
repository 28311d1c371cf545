"""The forward pass on 8-bit weights: any number of conversations, each as if alone."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.language_models.int8.convert import Int8Weights, Linear, pack_integers


@dataclass(slots=True)
class Cache:
    """Keys and values of one conversation."""

    values: Any
    """Float32 of shape (layers, 2 × key heads, positions, head size)."""
    length: int = 0
    """Positions filled."""


def new_cache(weights: Int8Weights, positions: int) -> Cache:
    """Make room for a conversation of at most so many tokens."""
    import torch

    return Cache(
        torch.empty(len(weights.layers), 2 * weights.key_heads, positions, weights.head_size)
    )


def forward(weights: Int8Weights, parts: Sequence[tuple[Cache, Sequence[int]]]) -> Any:
    """Read the next tokens of several conversations; return each one's next-token logits.

    A conversation's logits are the same, to the bit, whatever stands beside it: sums of
    integers do not depend on their order, everything else works on one row or on one
    conversation at a time.

    Args:
        weights: a converted model.
        parts: caches, each with the tokens that follow what it holds; all but new
            conversations must continue with a single token or from a chunk's end.

    Returns:
        Float32 of shape (conversations, vocabulary).
    """
    import torch

    levels = activation_levels()
    counts = [len(tokens) for _, tokens in parts]
    x = weights.embedding[torch.tensor([token for _, tokens in parts for token in tokens])]
    turns = torch.cat(
        [weights.rotary[c.length : c.length + n] for (c, _), n in zip(parts, counts, strict=True)]
    )
    turned = (weights.heads + weights.key_heads) * weights.head_size
    ends = torch.tensor(counts).cumsum(0) - 1
    by_layer = [cache.values.unbind() for cache, _ in parts]
    for number, layer in enumerate(weights.layers):
        unit, scale = _normed(x, weights.norm_epsilon)
        qkv = _product(layer.query_key_value, unit, scale, levels)
        rotated = qkv[:, :turned].view(len(qkv), -1, weights.head_size // 2, 2)
        qk = torch.view_as_real(torch.view_as_complex(rotated) * turns)
        mixed, start = [], 0
        for (cache, _), kept, n in zip(parts, by_layer, counts, strict=True):
            rows = slice(start, start + n)
            heads = qk[rows].view(n, -1, weights.head_size)
            fresh = kept[number][:, cache.length : cache.length + n]
            fresh[: weights.key_heads] = heads[:, weights.heads :].transpose(0, 1)
            values = qkv[rows, turned:].view(n, weights.key_heads, weights.head_size)
            fresh[weights.key_heads :] = values.transpose(0, 1)
            seen = kept[number][:, : cache.length + n]
            mixed.append(_attention(heads[:, : weights.heads], seen))
            start += n
        attended = torch.cat(mixed)
        x = x + _product(layer.attention_output, *_unit(attended), levels)
        unit, scale = _normed(x, weights.norm_epsilon)
        gate_up = _product(layer.gate_and_up, unit, scale, levels)
        gate, up = gate_up.split(weights.feed_forward, dim=-1)
        hidden = torch.nn.functional.silu(gate).mul_(up)
        blocks = hidden.view(-1, len(weights.down_rotation)) @ weights.down_rotation
        x = x + _product(layer.down, *_unit(blocks.view_as(hidden)), levels)
    for (cache, _), n in zip(parts, counts, strict=True):
        cache.length += n
    unit, scale = _normed(x[ends], weights.norm_epsilon)
    return _product(weights.head, unit, scale, levels)


@functools.cache
def activation_levels() -> int:
    """Return the largest level of an activation that this processor multiplies exactly.

    Without instructions made for it, pairs of products are added in 16 bits, which
    overflow when activations have all 8 bits: 7 are used there.
    """
    import torch

    full = torch.full((64, 64), 127, dtype=torch.int8)
    linear = pack_integers(full, torch.ones(64), None)
    ones = torch.ones(1, 64)
    exact = torch.allclose(_product(linear, ones, ones[:, :1], 127), torch.tensor(64.0 * 127))
    return 127 if exact else 63


def _product(linear: Linear, unit: Any, scale: Any, levels: int) -> Any:
    """Multiply rows, each from -1 to 1 and to be scaled afterwards, with packed weights."""
    import torch

    product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
        unit, 1 / levels, levels + 1, linear.packed
    ).mul_(scale)
    return product if linear.bias is None else product.add_(linear.bias)


def _unit(x: Any) -> tuple[Any, Any]:
    """Return rows divided by their largest magnitude, and those magnitudes."""
    largest = x.abs().amax(-1, keepdim=True).clamp_min_(1e-30)
    return x / largest, largest


def _normed(x: Any, epsilon: float) -> tuple[Any, Any]:
    """Return `_unit` of the root-mean-square norm of rows; its gain is in the weights."""
    unit, largest = _unit(x)
    return unit, largest * (x.square().mean(-1, keepdim=True) + epsilon).rsqrt_()


def _attention(queries: Any, seen: Any) -> Any:
    """Attend causally: queries (n, heads, size) are the last n of the positions seen."""
    import torch

    attend = torch.nn.functional.scaled_dot_product_attention
    n, heads, size = queries.shape
    keys, values = seen.split(len(seen) // 2)
    group = heads // len(keys)
    if n == 1:  # heads that share a key stand in for positions: nothing needs a mask
        grouped = queries.view(1, len(keys), group, size)
        return attend(grouped, keys[None], values[None]).view(1, -1)
    keys, values = (t.repeat_interleave(group, dim=0)[None] for t in (keys, values))
    length, mask = keys.shape[2], None
    if length > n:
        mask = torch.zeros(n, length)
        future = torch.ones(n, n, dtype=torch.bool).triu_(1)
        mask[:, length - n :].masked_fill_(future, -math.inf)
    queries = queries.transpose(0, 1)[None]
    mixed = attend(queries, keys, values, attn_mask=mask, is_causal=mask is None)
    return mixed[0].transpose(0, 1).reshape(n, -1)
