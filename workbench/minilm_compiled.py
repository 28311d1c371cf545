"""MiniLM's compiled forward pass, bert.c: nothing is padded, and no thread waits for another.

It multiplies bytes, or bfloat16 numbers at half the speed. What it says of a text is the same,
to the bit, whatever else is read at the same time.
"""

import ctypes
import functools
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, Any

from workbench.language_models.int8 import kernel
from workbench.language_models.int8.weights import pack, pack_halves
from workbench.minilm import DIMENSIONS, HEADS, LAYERS, NORM_EPSILON, batches

if TYPE_CHECKING:
    from torch import Tensor

_PIECE_TOKENS = 256
"""Read by one thread at once: few enough that threads finish together."""


class NormStruct(ctypes.Structure):
    """bert.c's Norm."""

    _fields_ = (("gain", ctypes.c_void_p), ("shift", ctypes.c_void_p))


class LayerStruct(ctypes.Structure):
    """bert.c's Layer."""

    _fields_ = (
        ("query_key_value", kernel.LinearStruct),
        ("attention_output", kernel.LinearStruct),
        ("wide", kernel.LinearStruct),
        ("narrow", kernel.LinearStruct),
        ("attention_norm", NormStruct),
        ("output_norm", NormStruct),
    )


class BertStruct(ctypes.Structure):
    """bert.c's Bert."""

    _fields_ = (
        ("words", ctypes.c_void_p),
        ("positions", ctypes.c_void_p),
        ("kinds", ctypes.c_void_p),
        ("norm", NormStruct),
        ("layers", ctypes.POINTER(LayerStruct)),
        ("layer_count", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("heads", ctypes.c_int32),
        ("feed_forward", ctypes.c_int32),
        ("epsilon", ctypes.c_float),
    )


class CompiledMiniLm:
    """See `workbench.minilm.Encoder`."""

    def __init__(self, weights: "Mapping[str, Tensor]", bits: int) -> None:
        """Lay out the weights.

        Args:
            weights: as `workbench.minilm.load_weights` returns them.
            bits: of what is multiplied, 8 or 16.

        Raises:
            RagtuneError: the kernel can't be built here.
        """
        import torch

        self._kernel = kernel.load_kernel()
        self._kept: list[Any] = []  # what the kernel has the addresses of

        def address(name: str) -> int:
            tensor = weights[name].contiguous()
            self._kept.append(tensor)
            return int(tensor.data_ptr())

        def norm(name: str) -> NormStruct:
            return NormStruct(*(address(f"{name}.LayerNorm.{p}") for p in ("weight", "bias")))

        def linear(*names: str) -> kernel.LinearStruct:
            weight, bias = (
                torch.cat([weights[f"{n}.{p}"] for n in names]) for p in ("weight", "bias")
            )
            packed = (pack if bits == 8 else pack_halves)(weight, bias)
            self._kept.append(packed)
            return packed.struct()

        layers = [
            LayerStruct(
                linear(*(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))),
                linear(f"{name}.attention.output.dense"),
                linear(f"{name}.intermediate.dense"),
                linear(f"{name}.output.dense"),
                norm(f"{name}.attention.output"),
                norm(f"{name}.output"),
            )
            for name in (f"encoder.layer.{number}" for number in range(LAYERS))
        ]
        tables = (
            f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")
        )
        self._struct = BertStruct(
            *map(address, tables),
            norm("embeddings"),
            (LayerStruct * LAYERS)(*layers),
            LAYERS,
            DIMENSIONS,
            HEADS,
            len(weights["encoder.layer.0.intermediate.dense.weight"]),
            NORM_EPSILON,
        )

    def first(self, rows: Sequence[Sequence[int]], second: Sequence[int] = ()) -> "Tensor":
        """See `workbench.minilm.Encoder.first`."""
        return self._read(rows, second or [len(row) for row in rows], first=True)

    def mean(self, rows: Sequence[Sequence[int]]) -> "Tensor":
        """See `workbench.minilm.Encoder.mean`."""
        return self._read(rows, [len(row) for row in rows], first=False)

    def _read(
        self, rows: Sequence[Sequence[int]], second: Sequence[int], *, first: bool
    ) -> "Tensor":
        import torch

        pieces = list(batches(rows, _PIECE_TOKENS))

        def read(piece: list[int]) -> "Tensor":
            tokens = array("i", chain.from_iterable(rows[number] for number in piece))
            counts = array("i", [len(rows[number]) for number in piece])
            seconds = array("i", [second[number] for number in piece])
            out = torch.empty(len(piece), DIMENSIONS)
            given = [
                ctypes.c_void_p(numbers.buffer_info()[0]) for numbers in (tokens, counts, seconds)
            ]
            if self._kernel.read_texts(
                ctypes.byref(self._struct),
                *given,
                len(piece),
                first,
                ctypes.c_void_p(out.data_ptr()),
            ):
                raise MemoryError("There is not enough memory to read a text.")
            return out

        made = _threads().map(read, pieces) if pieces[1:] else map(read, pieces)
        out = torch.empty(len(rows), DIMENSIONS)
        for piece, states in zip(pieces, made, strict=True):
            out[piece] = states
        return out


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(kernel.cores())
