"""The loss of a batch: the mean cross-entropy of its answers' tokens, given the prompts."""

from collections.abc import Sequence
from typing import Any

from finetune_backend.packed import ATTENTION, attend, pack
from finetune_backend.rows import Row, shared_prefix

_SAME = 0.05


class AnswerLoss:
    """Sums the loss over rows: packed where the model allows it, else padded and plain."""

    def __init__(self, model: Any, rows: Sequence[Row], device: str) -> None:
        """Try both ways on two of the rows; packing a model that differs is not used.

        Some mix tokens outside their attention, attend in a way of their own, or change
        the logits after the output layer.

        Args:
            model: of transformers, with or without LoRA layers in it.
            rows: of the training.
            device: where the model is.
        """
        self._model, self._device = model, device
        self.packs = _can_pack(model, [min(rows, key=len), max(rows, key=len)], device)

    def prefix(self, rows: Sequence[Row]) -> int:
        """Return how many tokens these rows can share."""
        return shared_prefix(rows) if self.packs and rows else 0

    def __call__(self, rows: Sequence[Row], prefix: int) -> Any:
        """Return the summed cross-entropy of the rows' answers in nats, a scalar tensor."""
        import torch

        from finetune_backend.fused import head_loss

        if self.packs:
            hidden, labels = packed_hidden(self._model, rows, prefix, self._device)
            return head_loss(hidden, self._model.get_output_embeddings(), labels)
        logits, labels = self.logits(rows, prefix)
        return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")

    def logits(self, rows: Sequence[Row], prefix: int) -> tuple[Any, Any]:
        """Return the logits (tokens, vocabulary) for each answer token, in float32, and these."""
        import torch

        if self.packs:
            hidden, labels = packed_hidden(self._model, rows, prefix, self._device)
            return self._model.get_output_embeddings()(hidden).float(), labels
        logits = padded_logits(self._model, rows, self._device)
        labels = torch.tensor([t for row in rows for t in row.answer], device=self._device)
        return logits.float(), labels


def packed_hidden(model: Any, rows: Sequence[Row], prefix: int, device: str) -> tuple[Any, Any]:
    """Return what the output layer needs at the tokens before each answer token, and these.

    Shapes (tokens, hidden size) and (tokens,).
    """
    packed = pack(rows, prefix, device)
    body = getattr(model, model.base_model_prefix)
    hidden = body(
        input_ids=packed.tokens, position_ids=packed.positions, use_cache=False, pack=packed
    ).last_hidden_state
    return hidden[0].index_select(0, packed.predicting), packed.labels


def padded_logits(model: Any, rows: Sequence[Row], device: str) -> Any:
    """Return the logits (tokens, vocabulary) at the tokens before each answer token.

    The output layer is most of the work in a small model with a large vocabulary, so it
    gets these positions alone.
    """
    import torch

    width = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    predicting = torch.zeros(len(rows), width, dtype=torch.bool)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row.prompt + row.answer)
        mask[number, : len(row)] = 1
        predicting[number, len(row.prompt) - 1 : len(row) - 1] = True
    predicting = predicting.to(device)
    hook = model.get_output_embeddings().register_forward_pre_hook(
        lambda _head, inputs: (inputs[0][predicting],)
    )
    try:
        return model(
            input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False
        ).logits
    finally:
        hook.remove()


def _can_pack(model: Any, rows: Sequence[Row], device: str) -> bool:
    """Compare the logits of both ways, and leave the model ready for the way to take."""
    import torch

    from workbench.language_models.quiet import importing

    with importing:
        from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    if not model._can_set_attn_implementation():
        return False
    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend)
    before = model.config._attn_implementation
    with torch.no_grad():
        plain = padded_logits(model, rows, device).float()
        model.set_attn_implementation(ATTENTION)
        try:
            hidden, _ = packed_hidden(model, rows, shared_prefix(rows), device)
            packed = model.get_output_embeddings()(hidden).float()
            same = torch.dist(packed, plain) <= _SAME * plain.norm()
        except (TypeError, AttributeError, RuntimeError):  # it doesn't work this way at all
            same = False
    if not same:
        model.set_attn_implementation(before)
    return bool(same)
