"""Rows packed for one pass: no padding, and the tokens that all rows begin with only once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune_backend.rows import Row

ATTENTION = "ragtune_packed"
_SHORT_ROW_TOKENS = 128
# Shapes that recur let memory be used again: without this a process grew by a third.
_TOKENS_MULTIPLE = 32


@dataclass(frozen=True, slots=True)
class Pack:
    """R rows laid end to end behind the prefix that they share: T tokens in all.

    A prefix token attends to nothing behind it, so its hidden state is the same in every
    row. Computed once, it gives every row's loss and gradient exactly. A row's last token
    predicts nothing and is left out.
    """

    tokens: Any
    """(1, T): the prefix, what is each row's own, and a few zeros that nothing looks at."""
    positions: Any
    """(1, T): each token's position in its row."""
    predicting: Any
    """The places in ``tokens`` that are followed by a token of an answer."""
    labels: Any
    """Those answers' tokens."""
    prefix: int
    """Number of tokens shared by all rows."""
    slots: Any
    """(R, S): where in ``tokens`` each row's own stand; filled up with 0."""
    places: Any
    """For each own token in turn, its place in the flattened ``slots``."""
    mask: Any
    """(1, 1, S, prefix + S): what a row's own tokens may attend to."""


def pack(rows: Sequence[Row], prefix: int, device: str) -> Pack:
    """Pack rows whose prompts begin with the same ``prefix`` tokens, and go on after them."""
    import torch

    own = [(row.prompt + row.answer)[prefix:-1] for row in rows]
    lengths = torch.tensor([len(tokens) for tokens in own])
    starts = prefix + lengths.cumsum(0) - lengths
    step = torch.arange(int(lengths.max()))
    used = step < lengths[:, None]
    predicting = [
        start - prefix + len(row.prompt) - 1 + torch.arange(len(row.answer))
        for start, row in zip(starts.tolist(), rows, strict=True)
    ]
    tokens = [*rows[0].prompt[:prefix], *(token for row in own for token in row)]
    filling = [0] * (-len(tokens) % _TOKENS_MULTIPLE)
    before = torch.ones(len(step), prefix, dtype=torch.bool)
    causal = torch.ones(len(step), len(step), dtype=torch.bool).tril()
    return Pack(
        tokens=torch.tensor([tokens + filling], device=device),
        positions=torch.cat(
            [
                torch.arange(prefix),
                (prefix + step).expand_as(used)[used],
                torch.tensor(filling, dtype=torch.long),
            ]
        )[None].to(device),
        predicting=torch.cat(predicting).to(device),
        labels=torch.tensor([token for row in rows for token in row.answer], device=device),
        prefix=prefix,
        slots=torch.where(used, starts[:, None] + step, 0).to(device),
        places=used.flatten().nonzero()[:, 0].to(device),
        mask=torch.cat([before, causal], dim=1)[None, None].to(device),
    )


def attend(
    _module: Any,
    query: Any,
    key: Any,
    value: Any,
    _mask: Any,
    *,
    scaling: float,
    pack: Pack,
    **_kwargs: Any,
) -> tuple[Any, None]:
    """Let each row attend to itself and the prefix: an attention function of transformers.

    Args:
        query: (1, heads, T, size); ``key`` and ``value`` may have fewer heads.
        scaling: of the scores.
        pack: what the T tokens are.

    Returns:
        (1, T, heads, size), and no attention weights.
    """
    import torch

    query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    rows = len(pack.slots)
    first = [tensor[None, : pack.prefix] for tensor in (query, key, value)]
    keys, values = (
        torch.cat([prefix.expand(rows, -1, -1, -1), _pad(tensor, pack)], dim=1)
        for prefix, tensor in zip(first[1:], (key, value), strict=True)
    )
    attended = _attention(_pad(query, pack), keys, values, pack.mask, scaling)
    flat = attended.flatten(0, 1).index_select(0, pack.places)
    filling = query.new_zeros(len(query) - pack.prefix - len(flat), *flat.shape[1:])
    flat = torch.cat([flat, filling])
    if pack.prefix:
        causal = torch.ones(pack.prefix, pack.prefix, dtype=torch.bool, device=query.device).tril()
        shared = _attention(first[0], first[1], first[2], causal[None, None], scaling)
        flat = torch.cat([shared[0], flat])
    return flat[None], None


def _attention(query: Any, key: Any, value: Any, mask: Any, scaling: float) -> Any:
    """Return (rows, queries, heads, size), given the same shapes with any number of keys."""
    import torch

    rows, queries, heads, size = query.shape
    groups = key.shape[2]
    query, key, value = (tensor.transpose(1, 2) for tensor in (query, key, value))
    if query.device.type != "cpu" or queries > _SHORT_ROW_TOKENS:
        attended = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scaling, enable_gqa=groups < heads
        )
    else:
        # On a CPU flash attention's backward is slow for short rows. The heads that share
        # a key stand together as one longer query.
        query = query.reshape(rows, groups, -1, size)
        scores = (query @ key.transpose(2, 3) * scaling).view(rows, groups, -1, *mask.shape[2:])
        scores = scores.masked_fill(~mask[:, :, None], float("-inf"))
        weights = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
        attended = (weights.flatten(2, 3) @ value).view(rows, heads, queries, size)
    return attended.transpose(1, 2)


def _pad(flat: Any, pack: Pack) -> Any:
    """Return the own tokens of (T, heads, size) as (R, S, heads, size)."""
    # Not flat[slots]: its backward is a hundred times slower.
    return flat.index_select(0, pack.slots.flatten()).unflatten(0, pack.slots.shape)
