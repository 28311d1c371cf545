"""Turn a Llama-like model into rotated 8-bit weights."""

import dataclasses
from typing import Any

from workbench.errors import RagtuneError
from workbench.language_models.int8.weights import (
    LANES,
    Int8Weights,
    Linear,
    Shape,
    hadamard,
    pack,
)

_FAMILIES = ("llama", "mistral", "qwen2")
_WIDEST_ROTATION = 64


def why_not(config: Any) -> str | None:
    """Say why a model with this configuration can't be converted, or None if it can."""
    if config.model_type not in _FAMILIES:
        return f"{config.model_type} is not one of the families {', '.join(_FAMILIES)}"
    if config.hidden_act != "silu":
        return f"its activation is {config.hidden_act}; silu was expected"
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", config.model_type == "mistral"):
        return "it uses a sliding window"
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type", "default") not in ("default", "linear", "llama3"):
        return f"its rotary positions are of the type {rope['rope_type']}"
    sizes = (config.hidden_size, _head_size(config), config.intermediate_size)
    if any(size % LANES for size in sizes):
        return f"its sizes {sizes} are not multiples of {LANES}"
    return None


def convert(model: Any, base: Int8Weights | None = None) -> Int8Weights:
    """Convert a transformers model.

    The residual stream is rotated by an orthogonal matrix, which leaves what the model
    computes as it is but spreads outliers over all channels, so that 8 bits are enough
    (QuaRot, arXiv 2404.00456). The rotation, and the norms' gains, are folded into the
    weights; only the last product of a block needs one at run time.

    Args:
        model: a causal language model in float32, adapter merged.
        base: the converted base model of a merged adapter, to share its embeddings with.

    Raises:
        RagtuneError: the model is of a kind that can't be converted.
    """
    import torch

    config = model.config
    reason = why_not(config)
    if reason:
        raise RagtuneError(f"The int8 engine can't serve this model: {reason}.")
    with torch.inference_mode():
        rotation = _residual_rotation(config.hidden_size)
        layers = tuple(_layer(block, config, rotation) for block in model.model.layers)
        if base is not None:
            return dataclasses.replace(base, layers=layers)
        head = _folded(model.lm_head.weight, model.model.norm.weight, rotation)
        return Int8Weights(
            shape=_shape(model, config),
            embedding=(model.model.embed_tokens.weight.float() @ rotation).numpy(),
            layers=layers,
            head=_packed(head),
            **_rotary(model, config),
        )


def _shape(model: Any, config: Any) -> Shape:
    ends = model.generation_config.eos_token_id
    return Shape(
        width=config.hidden_size,
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        head_size=_head_size(config),
        feed_forward=config.intermediate_size,
        rotated=_rotated(config),
        epsilon=config.rms_norm_eps,
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
        ends=tuple(ends if isinstance(ends, list) else [ends]),
    )


def _head_size(config: Any) -> int:
    size: int | None = getattr(config, "head_dim", None)
    return size or int(config.hidden_size // config.num_attention_heads)


def _rotated(config: Any) -> int:
    feed_forward: int = config.intermediate_size
    return min(_WIDEST_ROTATION, feed_forward & -feed_forward)


def _layer(block: Any, config: Any, rotation: Any) -> dict[str, Linear]:
    import torch

    attention, mlp = block.self_attn, block.mlp
    in_heads = torch.from_numpy(hadamard(_head_size(config) & -_head_size(config)))
    in_down = torch.from_numpy(hadamard(_rotated(config)))

    def turned_value(weight: Any) -> Any:
        """Rotate a value projection's outputs (or its bias, as a column)."""
        rows = weight.view(-1, len(in_heads), weight.shape[1])
        return (in_heads.T @ rows).reshape(weight.shape)

    query, key, value = attention.q_proj, attention.k_proj, attention.v_proj
    bias = None
    if value.bias is not None:
        turned = turned_value(value.bias.float()[:, None])[:, 0]
        bias = torch.cat([query.bias.float(), key.bias.float(), turned])
    together = torch.cat([query.weight, key.weight, turned_value(value.weight.float())])

    output = attention.o_proj.weight.float()
    # What rotated the values is undone in the inputs of the layer that reads their mix.
    output = (output.view(len(output), -1, len(in_heads)) @ in_heads).view_as(output)

    down = mlp.down_proj.weight.float()
    mixed = down.view(len(down), len(in_down), -1).transpose(1, 2) @ in_down
    down = mixed.transpose(1, 2).reshape(down.shape)

    gate_bias = None
    if mlp.gate_proj.bias is not None:
        gate_bias = torch.cat([mlp.gate_proj.bias, mlp.up_proj.bias]).float()
    gate_and_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
    return {
        "query_key_value": _packed(_folded(together, block.input_layernorm.weight, rotation), bias),
        "attention_output": _packed(rotation.T @ output, _turned_bias(attention.o_proj, rotation)),
        "gate_and_up": _packed(
            _folded(gate_and_up, block.post_attention_layernorm.weight, rotation), gate_bias
        ),
        "down": _packed(rotation.T @ down, _turned_bias(mlp.down_proj, rotation)),
    }


def _packed(weight: Any, bias: Any = None) -> Linear:
    """Return what `pack` makes of tensors."""
    return pack(weight.numpy(), None if bias is None else bias.numpy())


def _folded(weight: Any, gain: Any, rotation: Any) -> Any:
    """Fold a norm's gain and the rotation into the layer that reads the norm's output."""
    return (weight.float() * gain.float()) @ rotation


def _turned_bias(linear: Any, rotation: Any) -> Any:
    return None if linear.bias is None else linear.bias.float() @ rotation


def _residual_rotation(width: int) -> Any:
    """Return an orthogonal (width, width) matrix without large entries, always the same."""
    import torch

    power = width & -width
    generator = torch.Generator().manual_seed(0)
    odd = torch.randn(width // power, width // power, generator=generator, dtype=torch.float64)
    orthogonal = torch.linalg.qr(odd)[0].float().contiguous()
    signs = torch.randn(width, 1, generator=generator).sign()
    return torch.kron(orthogonal, torch.from_numpy(hadamard(power))) * signs


def _rotary(model: Any, config: Any) -> dict[str, Any]:
    import torch

    positions = torch.arange(config.max_position_embeddings)[None]
    cosine, sine = model.model.rotary_emb(torch.zeros(1, 1), positions)
    half = _head_size(config) // 2
    return {
        "cosines": cosine[0, :, :half].float().contiguous().numpy(),
        "sines": sine[0, :, :half].float().contiguous().numpy(),
    }
