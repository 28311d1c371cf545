"""Turn a Llama-like model into rotated 8-bit weights."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

from workbench.errors import RagtuneError

_FAMILIES = ("llama", "mistral", "qwen2")
_WIDEST_ROTATION = 64
_LARGEST_WEIGHT = 127


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer, packed for the integer product."""

    packed: Any
    bias: Any
    """Float32 of shape (outputs,), or None."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer block; norms and rotations are folded into the weights."""

    query_key_value: Linear
    attention_output: Linear
    gate_and_up: Linear
    down: Linear


@dataclass(frozen=True, slots=True)
class Int8Weights:
    """Everything that the forward pass needs of one model."""

    embedding: Any
    """Rotated, float32, (vocabulary, width)."""
    layers: tuple[Layer, ...]
    head: Linear
    rotary: Any
    """Complex64 of shape (positions, 1, head size / 2)."""
    down_rotation: Any
    """Hadamard matrix that blocks of the last layer's input are multiplied with."""
    heads: int
    key_heads: int
    head_size: int
    feed_forward: int
    norm_epsilon: float

    @property
    def bytes(self) -> int:
        """Size in memory of what an adapter's copy does not share with the base."""
        return sum(
            linear.bytes
            for layer in self.layers
            for linear in (
                layer.query_key_value,
                layer.attention_output,
                layer.gate_and_up,
                layer.down,
            )
        )


def why_not(config: Any) -> str | None:
    """Say why a model with this configuration can't be converted, or None if it can."""
    import torch

    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return "this build of torch has no 8-bit products for this processor"
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
        return _convert(model, config, base)


def hadamard(size: int) -> Any:
    """Return the orthonormal Hadamard matrix of a size that is a power of two."""
    import torch

    matrix = torch.ones(1, 1)
    while matrix.shape[0] < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix / math.sqrt(size)


def _convert(model: Any, config: Any, base: Int8Weights | None) -> Int8Weights:
    import torch

    width, heads, key_heads = (
        config.hidden_size,
        config.num_attention_heads,
        config.num_key_value_heads,
    )
    size = getattr(config, "head_dim", None) or width // heads
    rotation = _residual_rotation(width)
    in_heads = hadamard(size & -size)
    in_down = hadamard(min(_WIDEST_ROTATION, config.intermediate_size & -config.intermediate_size))
    # Neighbours form the pairs that a position turns, so that one complex product does it.
    pairs = torch.arange(size).view(2, size // 2).T.reshape(-1)

    def turned_in(weight: Any, block: Any) -> Any:
        """Undo, in a weight's inputs, a rotation of blocks of them."""
        return (weight.view(weight.shape[0], -1, block.shape[0]) @ block).reshape(weight.shape)

    def turned_out(weight: Any) -> Any:
        """Rotate a value projection's outputs (and its bias)."""
        rows = weight.reshape(-1, in_heads.shape[0], weight.shape[1])
        return (in_heads.T @ rows).reshape(weight.shape)

    layers = []
    for block in model.model.layers:
        attention, mlp = block.self_attn, block.mlp
        projections = [attention.q_proj, attention.k_proj, attention.v_proj]
        weights = [p.weight.float() for p in projections]
        biases = [p.bias.float()[:, None] if p.bias is not None else None for p in projections]

        def in_pairs(rows: Any, count: int) -> Any:
            return rows.view(count, size, -1)[:, pairs].reshape(rows.shape)

        gain, later_gain = (
            block.input_layernorm.weight.float(),
            block.post_attention_layernorm.weight.float(),
        )
        query, key, value = weights
        qkv = torch.cat([in_pairs(query, heads), in_pairs(key, key_heads), turned_out(value)])
        bias = None
        if biases[0] is not None:
            bias = torch.cat(
                [in_pairs(biases[0], heads), in_pairs(biases[1], key_heads), turned_out(biases[2])]
            )[:, 0]
        layers.append(
            Layer(
                query_key_value=_pack((qkv * gain) @ rotation, bias),
                attention_output=_pack_output(
                    attention.o_proj, turned_in(attention.o_proj.weight.float(), in_heads), rotation
                ),
                gate_and_up=_pack(
                    (torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]).float() * later_gain)
                    @ rotation,
                    torch.cat([mlp.gate_proj.bias, mlp.up_proj.bias]).float()
                    if mlp.gate_proj.bias is not None
                    else None,
                ),
                down=_pack_output(
                    mlp.down_proj, turned_in(mlp.down_proj.weight.float(), in_down), rotation
                ),
            )
        )
    if base is not None:
        embedding, head, rotary = base.embedding, base.head, base.rotary
    else:
        embedding = model.model.embed_tokens.weight.float() @ rotation
        gain = model.model.norm.weight.float()
        head = _pack((model.lm_head.weight.float() * gain) @ rotation, None)
        rotary = _rotary(model, config, size)
    return Int8Weights(
        embedding=embedding,
        layers=tuple(layers),
        head=head,
        rotary=rotary,
        down_rotation=in_down,
        heads=heads,
        key_heads=key_heads,
        head_size=size,
        feed_forward=config.intermediate_size,
        norm_epsilon=config.rms_norm_eps,
    )


def _residual_rotation(width: int) -> Any:
    """Return an orthogonal (width, width) matrix without large entries, always the same."""
    import torch

    power = width & -width
    generator = torch.Generator().manual_seed(0)
    odd = torch.randn(width // power, width // power, generator=generator, dtype=torch.float64)
    orthogonal = torch.linalg.qr(odd)[0].float().contiguous()
    signs = torch.randn(width, 1, generator=generator).sign()
    return torch.kron(orthogonal, hadamard(power).contiguous()) * signs


def _rotary(model: Any, config: Any, size: int) -> Any:
    import torch

    positions = torch.arange(config.max_position_embeddings)[None]
    cosine, sine = model.model.rotary_emb(torch.zeros(1, 1), positions)
    half = size // 2
    return torch.complex(cosine[0, :, :half], sine[0, :, :half])[:, None].contiguous()


def _pack_output(linear: Any, weight: Any, rotation: Any) -> Linear:
    """Pack a layer that writes to the residual stream."""
    bias = None if linear.bias is None else linear.bias.float() @ rotation
    return _pack(rotation.T @ weight, bias)


def _pack(weight: Any, bias: Any) -> Linear:
    """Quantize each output's weights by their own largest one."""
    import torch

    scale = weight.abs().amax(1).clamp_min(1e-12) / _LARGEST_WEIGHT
    rounded = (weight / scale[:, None]).round().to(torch.int8)
    return pack_integers(rounded, scale, bias)


def pack_integers(weight: Any, scale: Any, bias: Any) -> Linear:
    """Pack int8 weights (outputs, inputs) with a float32 scale for each output."""
    import torch

    zeros = torch.zeros(len(scale), dtype=torch.long)
    with warnings.catch_warnings():
        # Quantized tensors will go one day; torch is pinned, and only the packing needs them.
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor")
        quantized = torch._make_per_channel_quantized_tensor(weight, scale.double(), zeros, 0)
    torch.backends.quantized.engine = "fbgemm"
    packed = torch.ops.quantized.linear_prepack(quantized, None)
    return Linear(packed, bias, weight.nbytes)
