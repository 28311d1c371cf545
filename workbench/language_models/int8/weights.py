"""A converted model: its 8-bit weights in memory, on disk, and as the kernel takes them.

All of it is NumPy: importing PyTorch takes a second, of which answering needs nothing.
"""

import ctypes
import dataclasses
import functools
import json
import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.language_models.int8.kernel import LayerStruct, LinearStruct, ModelStruct

LANES = 16
"""Numbers that are computed with at once; vectors.h's LANES."""
_TILE = 3 * LANES
"""Outputs whose weights lie side by side in memory; vectors.h's TILE_BLOCKS blocks."""
PARTS = ("query_key_value", "attention_output", "gate_and_up", "down")
_LARGEST_WEIGHT = 127
_VECTOR_BYTES = 64
_TYPES = {"I8": np.int8, "I32": np.int32, "F32": np.float32}
"""Of what is kept, by the names that safetensors gives them."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer; outputs are a multiple of `LANES`, the last of which may be idle."""

    weights: Any
    """Int8 of shape (outputs, inputs), in the order in which the kernel reads them; vectors.h says
    which."""
    scales: Any
    """Float32 of shape (outputs,): what one level of each output's weights is worth."""
    totals: Any
    """Int32 of shape (outputs,): the sum of each output's weights."""
    bias: Any = None
    """Float32 of shape (outputs,), or None."""

    def struct(self) -> LinearStruct:
        """Return it as the kernel takes it; valid as long as this object lives."""
        outputs, inputs = self.weights.shape
        arrays = (self.weights, self.scales, self.totals, self.bias)
        addresses = [one.ctypes.data if one is not None else None for one in arrays]
        return LinearStruct(*addresses, inputs, outputs)


def pack(weight: Any, bias: Any = None) -> Linear:
    """Quantize each output's weights by their own largest one, and lay them out in tiles.

    Args:
        weight: float32 of shape (outputs, inputs); inputs are a multiple of 4.
        bias: float32 of shape (outputs,), or None.
    """
    scales = np.maximum(np.abs(weight).max(1), np.float32(1e-12)) / np.float32(_LARGEST_WEIGHT)
    rounded = np.rint(weight / scales[:, None]).astype(np.int8)
    idle = -len(rounded) % LANES
    if idle:
        rounded = np.pad(rounded, ((0, idle), (0, 0)))
        scales = np.pad(scales, (0, idle))
        bias = None if bias is None else np.pad(bias, (0, idle))
    totals = rounded.sum(1, dtype=np.int32)
    # The kernel reads a bias one number after the other.
    kept = None if bias is None else np.ascontiguousarray(bias)
    return Linear(_in_tiles(rounded), scales, totals, kept)


def hadamard(size: int) -> Any:
    """Return the orthonormal Hadamard matrix of a size that is a power of two."""
    matrix = np.ones((1, 1), dtype=np.float32)
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.float32(math.sqrt(size))


def _in_tiles(weight: Any) -> Any:
    """Let four inputs of a tile's first output be followed by those of its second, and so on."""
    out = np.empty_like(weight)
    for first in range(0, len(weight), _TILE):
        tile = weight[first : first + _TILE]
        steps = tile.reshape(len(tile), -1, 4).swapaxes(0, 1)
        out[first : first + _TILE] = steps.reshape(tile.shape)
    return out


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


@dataclass(frozen=True, eq=False)
class Int8Weights:
    """Everything that the forward pass needs of one model; equal to itself only."""

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
            self.embedding.ctypes.data,
            self.cosines.ctypes.data,
            self.sines.ctypes.data,
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
        return sum(array.nbytes for name, array in self._arrays() if name.startswith("layers."))

    def save(self, file: Path, base: "Int8Weights | None" = None) -> None:
        """Write it to a safetensors file, without what it shares with the base."""
        from safetensors.numpy import save_file

        arrays = {
            name: array
            for name, array in self._arrays()
            if base is None or name.startswith("layers.")
        }
        save_file(arrays, file, metadata={"shape": json.dumps(dataclasses.asdict(self.shape))})

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        yield from (("embedding", self.embedding), ("cosines", self.cosines), ("sines", self.sines))
        linears = {"head": self.head} | {
            f"layers.{number}.{part}": layer[part]
            for number, layer in enumerate(self.layers)
            for part in PARTS
        }
        for name, linear in linears.items():
            for field in dataclasses.fields(Linear):
                array = getattr(linear, field.name)
                if array is not None:
                    yield f"{name}.{field.name}", array


def load_converted(file: Path, base: Int8Weights | None = None) -> Int8Weights:
    """Read what `Int8Weights.save` wrote; embeddings stay in the file until they are needed.

    Args:
        file: the safetensors file.
        base: the base, where the file was saved without what is shared with it.
    """
    arrays, metadata = _opened(file)
    shape = json.loads(metadata["shape"])

    def linear(name: str) -> Linear:
        fields = [f"{name}.{field.name}" for field in dataclasses.fields(Linear)]
        return Linear(*(arrays.get(field) for field in fields))

    count = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("layers."))
    layers = tuple({part: linear(f"layers.{n}.{part}") for part in PARTS} for n in range(count))
    if base is not None:
        return dataclasses.replace(base, layers=layers)
    return Int8Weights(
        Shape(**{**shape, "ends": tuple(shape["ends"])}),
        arrays["embedding"],
        arrays["cosines"],
        arrays["sines"],
        layers,
        linear("head"),
    )


def aligned(size: int) -> Any:
    """Return room for so many bytes that begins where a vector may: uint8 of shape (size,).

    For more than 4 MB NumPy asks the system for large pages, which are found faster.
    """
    room = np.empty(size + _VECTOR_BYTES, dtype=np.uint8)
    first = -room.ctypes.data % _VECTOR_BYTES
    return room[first : first + size]


def _opened(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a safetensors file's arrays and metadata.

    Weights, all of which each token needs, are read into memory of their own: read from there a
    token takes six sevenths of the time that it takes from the file's pages. Embeddings, of which
    it needs one row, are not: the library itself would copy them, too.
    """
    with file.open("rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        begin = 8 + int.from_bytes(mapped[:8], "little")
        header = json.loads(mapped[8:begin])
        metadata: dict[str, str] = header.pop("__metadata__")
        sizes = {name: math.prod(told["shape"]) for name, told in header.items()}
        room = aligned(sum(sizes[name] for name, told in header.items() if told["dtype"] == "I8"))
        arrays = {}
        for name, told in header.items():
            offset = begin + told["data_offsets"][0]
            flat = np.frombuffer(mapped, _TYPES[told["dtype"]], sizes[name], offset)
            if told["dtype"] == "I8":
                own, room = room[: flat.size].view(np.int8), room[flat.size :]
                opened.seek(offset)
                opened.readinto(own)  # faster than page by page out of the mapping
                flat = own
            arrays[name] = flat.reshape(told["shape"])
    return arrays, metadata
