"""The two products that a fine-tune spends its time in, with their gradients written out."""

from typing import Any

import torch

_HEAD_CHUNK_TOKENS, _HEAD_CHUNK_TOKENS_GPU = 128, 2048
_PACKED_BYTES = 1_000_000_000
"""Larger models keep one copy of their weights: the memory matters more there."""


def fuse_lora(model: Any) -> None:
    """Let a PEFT model's linear layers compute base and LoRA as `LoraLinear` does."""
    from peft.tuners.lora import Linear

    layers = [
        layer
        for layer in model.modules()
        if isinstance(layer, Linear) and type(layer.base_layer) is torch.nn.Linear
    ]
    packed = can_pack([layer.base_layer.weight for layer in layers])
    for layer in layers:
        layer.forward = _FusedForward(layer, packed)


def packed_bytes(model: Any) -> int:
    """Return the size of the frozen weights' copies."""
    layers = (layer.forward for layer in model.modules())
    return sum(layer.frozen.packed_bytes for layer in layers if isinstance(layer, _FusedForward))


def can_pack(weights: list[Any]) -> bool:
    """Are the products faster with weights in oneDNN's own layout, and is there room for both?"""
    return (
        all(weight.dtype == torch.bfloat16 and weight.device.type == "cpu" for weight in weights)
        and sum(weight.nbytes for weight in weights) <= _PACKED_BYTES
        and torch.backends.mkldnn.is_available()
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


class Frozen:
    """The frozen weights of a linear layer, for products both ways."""

    def __init__(self, weight: Any, bias: Any, packed: bool) -> None:
        self._weight, self._bias, self._packed = weight, bias, packed
        self.dtype, self.packed_bytes = weight.dtype, 2 * weight.nbytes * packed
        if packed:
            # A plain weight is laid out anew for every product, a tenth of its time.
            self._forth, self._back = (
                torch.ops.mkldnn._reorder_linear_weight(one.detach().contiguous())
                for one in (weight, weight.T)
            )

    def forth(self, x: Any) -> Any:
        """Return x Wᵀ + b."""
        if self._packed:
            return _multiply(x, self._forth, self._bias)
        return torch.nn.functional.linear(x, self._weight, self._bias)

    def back(self, grad: Any) -> Any:
        """Return grad W."""
        return _multiply(grad, self._back, None) if self._packed else grad @ self._weight


def _multiply(x: Any, packed: Any, bias: Any) -> Any:
    return torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")


class _FusedForward:
    """The forward pass of one LoRA layer, without dropout."""

    def __init__(self, layer: Any, packed: bool) -> None:
        self.frozen = Frozen(layer.base_layer.weight, layer.base_layer.bias, packed)
        self._down, self._up = (
            matrices["default"].weight for matrices in (layer.lora_A, layer.lora_B)
        )
        self._scale = layer.scaling["default"]

    def __call__(self, inputs: Any) -> Any:
        flat = inputs.flatten(0, -2).to(self.frozen.dtype)
        out = LoraLinear.apply(flat, self.frozen, self._down, self._up, self._scale)
        return out.unflatten(0, inputs.shape[:-1])


class LoraLinear(torch.autograd.Function):  # type: ignore[misc] # torch is untyped here
    """x Wᵀ + b + scale · x Aᵀ Bᵀ, with W and b frozen.

    It multiplies in W's type, adds each LoRA term inside the product that makes it, and
    keeps x only once; A, B and their gradients stay float32. Hu et al. 2021,
    arXiv 2106.09685.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, frozen: Frozen, down: Any, up: Any, scale: float) -> Any:
        down, up = down.to(x.dtype), (up * scale).to(x.dtype)
        inner = x @ down.T
        ctx.save_for_backward(x, inner, down, up)
        ctx.frozen, ctx.scale = frozen, scale
        return frozen.forth(x).addmm_(inner, up.T)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        x, inner, down, up = ctx.saved_tensors
        grad_inner = grad @ up
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = ctx.frozen.back(grad).addmm_(grad_inner, down)
        grad_down = (grad_inner.T @ x).float()
        # Not gradᵀ · inner: with the few rows first it takes half the time.
        grad_up = (inner.T @ grad).T.float().mul_(ctx.scale)
        return grad_x, None, grad_down, grad_up, None


def head_loss(hidden: Any, head: Any, labels: Any) -> Any:
    """Return the summed cross-entropy of the labels, in nats, as a scalar tensor.

    Args:
        hidden: (tokens, hidden size).
        head: the frozen output layer, a ``torch.nn.Linear``.
        labels: (tokens,).
    """
    return _HeadLoss.apply(hidden, head.weight, head.bias, labels)


class _HeadLoss(torch.autograd.Function):  # type: ignore[misc] # torch is untyped here
    """The output layer and the cross-entropy, a few tokens at a time.

    The gradient of the logits is softmax − label: it is at hand right after the loss, so
    the logits of all tokens are never in memory together and never computed twice.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, bias: Any, labels: Any) -> Any:
        loss = torch.zeros((), device=hidden.device)
        grad = torch.empty_like(hidden)
        size = _HEAD_CHUNK_TOKENS if hidden.device.type == "cpu" else _HEAD_CHUNK_TOKENS_GPU
        for start in range(0, len(hidden), size):
            chunk = slice(start, start + size)
            label = labels[chunk, None]
            logits = torch.nn.functional.linear(hidden[chunk], weight, bias).float()
            log_share = logits.log_softmax(-1)
            loss -= log_share.gather(1, label).sum()
            share = log_share.exp_().scatter_add_(1, label, -torch.ones_like(label).float())
            grad[chunk] = share.to(weight.dtype) @ weight
        ctx.save_for_backward(grad)
        return loss

    @staticmethod
    def backward(ctx: Any, grad_loss: Any) -> Any:
        (grad,) = ctx.saved_tensors
        return grad * grad_loss, None, None, None
