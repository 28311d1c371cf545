"""A converted model: its 8-bit weights in memory, on disk, and as the kernel takes them."""

import ctypes
import dataclasses
import functools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.language_models.int8.kernel import LayerStruct, LinearStruct, ModelStruct

LANES = 16
"""Outputs that lie side by side in memory; vectors.h's LANES."""
PARTS = ("query_key_value", "attention_output", "gate_and_up", "down")
_LARGEST_WEIGHT = 127


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer in blocks of `LANES` outputs; the last block may have idle ones."""

    weights: Any
    """Int8 of shape (outputs / 16, inputs / 4, 16, 4), or bfloat16 (…, inputs / 2, 16, 2)."""
    scales: Any
    """Float32 of shape (outputs,): what one level of each output's weights is worth; None
    where they are bfloat16."""
    totals: Any
    """Int32 of shape (outputs,): the sum of each output's weights; None as the scales are."""
    bias: Any = None
    """Float32 of shape (outputs,), or None."""

    def struct(self) -> LinearStruct:
        """Return it as the kernel takes it; valid as long as this object lives."""
        blocks, steps, _, each = self.weights.shape
        tensors = (self.weights, self.scales, self.totals, self.bias)
        addresses = [t.data_ptr() if t is not None else None for t in tensors]
        return LinearStruct(*addresses, steps * each, blocks * LANES)


def pack(weight: Any, bias: Any = None) -> Linear:
    """Quantize each output's weights by their own largest one, and lay them out in blocks.

    Args:
        weight: float32 of shape (outputs, inputs); inputs are a multiple of 4.
        bias: float32 of shape (outputs,), or None.
    """
    import torch

    scales = weight.abs().amax(1).clamp_min(1e-12) / _LARGEST_WEIGHT
    rounded = (weight / scales[:, None]).round_().to(torch.int8)
    idle = -len(rounded) % LANES
    if idle:
        rounded = torch.nn.functional.pad(rounded, (0, 0, 0, idle))
        scales = torch.nn.functional.pad(scales, (0, idle))
        bias = None if bias is None else torch.nn.functional.pad(bias, (0, idle))
    totals = rounded.sum(1, dtype=torch.int32)
    return Linear(_in_blocks(rounded, 4), scales.contiguous(), totals, bias)


def pack_halves(weight: Any, bias: Any) -> Linear:
    """Lay out weights in bfloat16; outputs are a multiple of `LANES`, otherwise as `pack`."""
    import torch

    return Linear(_in_blocks(weight.to(torch.bfloat16), 2), None, None, bias)


def hadamard(size: int) -> Any:
    """Return the orthonormal Hadamard matrix of a size that is a power of two."""
    import torch

    matrix = torch.ones(1, 1)
    while matrix.shape[0] < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix / math.sqrt(size)


def _in_blocks(weight: Any, each: int) -> Any:
    return weight.view(len(weight) // LANES, LANES, -1, each).transpose(1, 2).contiguous()


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's sizes."""

    width: int
    heads: int
    key_heads: int
    head_size: int
    feed_forward: int
    rotated: int
    """Size of the Hadamard matrix that mixes the feed-forward's channels."""
    epsilon: float
    vocabulary: int
    positions: int
    """The longest conversation, in tokens."""
    ends: tuple[int, ...]
    """Tokens that end an answer."""


@dataclass(frozen=True)
class Int8Weights:
    """Everything that the forward pass needs of one model."""

    shape: Shape
    embedding: Any
    """Rotated, float32, (vocabulary, width)."""
    cosines: Any
    """Float32 of shape (positions, head size / 2); so are the sines."""
    sines: Any
    layers: tuple[dict[str, Linear], ...]
    """For each block, its linear layers by the names in `PARTS`."""
    head: Linear

    @functools.cached_property
    def struct(self) -> ModelStruct:
        """The model as the kernel takes it; valid as long as this object lives."""
        layers = [LayerStruct(*(layer[part].struct() for part in PARTS)) for layer in self.layers]
        shape = self.shape
        return ModelStruct(
            self.embedding.data_ptr(),
            self.cosines.data_ptr(),
            self.sines.data_ptr(),
            (LayerStruct * len(layers))(*layers),
            self.head.struct(),
            len(layers),
            shape.width,
            shape.heads,
            shape.key_heads,
            shape.head_size,
            shape.feed_forward,
            shape.rotated,
            shape.vocabulary,
            ctypes.c_float(shape.epsilon),
        )

    @property
    def layer_bytes(self) -> int:
        """Size in memory of what an adapter's copy does not share with the base."""
        return sum(tensor.nbytes for name, tensor in self._tensors() if name.startswith("layers."))

    def save(self, file: Path, base: "Int8Weights | None" = None) -> None:
        """Write it to a safetensors file, without what it shares with the base."""
        from safetensors.torch import save_file

        tensors = {
            name: tensor
            for name, tensor in self._tensors()
            if base is None or name.startswith("layers.")
        }
        save_file(tensors, file, metadata={"shape": json.dumps(dataclasses.asdict(self.shape))})

    def _tensors(self) -> Iterator[tuple[str, Any]]:
        yield from (("embedding", self.embedding), ("cosines", self.cosines), ("sines", self.sines))
        linears = {"head": self.head} | {
            f"layers.{number}.{part}": layer[part]
            for number, layer in enumerate(self.layers)
            for part in PARTS
        }
        for name, linear in linears.items():
            for field in dataclasses.fields(Linear):
                tensor = getattr(linear, field.name)
                if tensor is not None:
                    yield f"{name}.{field.name}", tensor


def load_converted(file: Path, base: Int8Weights | None = None) -> Int8Weights:
    """Read what `Int8Weights.save` wrote; pages of the file come into memory when needed.

    Args:
        file: the safetensors file.
        base: the base, where the file was saved without what is shared with it.
    """
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        shape = json.loads(opened.metadata()["shape"])

    def linear(name: str) -> Linear:
        fields = [f"{name}.{field.name}" for field in dataclasses.fields(Linear)]
        return Linear(*(tensors.get(field) for field in fields))

    count = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("layers."))
    layers = tuple({part: linear(f"layers.{n}.{part}") for part in PARTS} for n in range(count))
    if base is not None:
        return dataclasses.replace(base, layers=layers)
    return Int8Weights(
        Shape(**{**shape, "ends": tuple(shape["ends"])}),
        tensors["embedding"],
        tensors["cosines"],
        tensors["sines"],
        layers,
        linear("head"),
    )
