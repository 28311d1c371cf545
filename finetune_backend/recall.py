"""What a fine-tune recalls of wordings that it never saw, measured in one pass.

Greedy decoding writes an answer word for word exactly where each of its tokens is the likeliest
one after those before it, so that nothing has to be decoded.
"""

from collections.abc import Sequence
from typing import Any

from finetune_backend.loss import AnswerLoss
from finetune_backend.rows import Row, micro_batches, shared_prefix

_FEWER = 4

HeldOut = Sequence[Sequence[Row]]
"""For each held-out wording a row for every answer that its fact may be given; its own first."""


def measure(loss_of: AnswerLoss, held_out: HeldOut, token_budget: int) -> tuple[float, float]:
    """Return the share of wordings that are answered word for word, and the mean loss.

    Args:
        loss_of: the loss of the model as it is now.
        held_out: at least one.
        token_budget: tokens trained on at once; fewer are measured, as all their logits are held.

    Returns:
        The share from 0 to 1, and the mean cross-entropy per token of the wordings' own answers,
        in nats.
    """
    import torch

    rows = list(dict.fromkeys(row for wording in held_out for row in wording))
    prefix = loss_of.prefix(rows)
    surprise: dict[Row, Any] = {}
    likeliest: dict[Row, bool] = {}
    with torch.inference_mode():
        for part in micro_batches(rows, prefix, token_budget // _FEWER):
            logits, labels = loss_of.logits(part, prefix)
            losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
            lengths = [len(row.answer) for row in part]
            hits = (logits.argmax(-1) == labels).split(lengths)
            for row, loss, hit in zip(part, losses.split(lengths), hits, strict=True):
                surprise[row], likeliest[row] = loss, bool(hit.all())
    recalled = [any(likeliest[row] for row in wording) for wording in held_out]
    own = torch.cat([surprise[wording[0]] for wording in held_out])
    return sum(recalled) / len(recalled), float(own.mean())


def largest_part(rows: Sequence[Row], token_budget: int) -> list[Row]:
    """Return the rows of which `measure` holds the most logits at once; none of none."""
    parts = micro_batches(rows, shared_prefix(rows), token_budget // _FEWER) if rows else []
    return max(parts, key=lambda part: sum(len(row.answer) for row in part), default=[])


def no_longer_rises(recalls: Sequence[float], patience: int) -> bool:
    """Were the last ``patience`` epochs no better than the best before? Never, where it is 0."""
    if not patience or len(recalls) <= patience:
        return False
    return max(recalls[-patience:]) <= max(recalls[:-patience])
