"""MiniLM's compiled forward pass, bert.c: nothing is padded, and no thread waits for another.

It multiplies bytes. What it says of a text is the same, to the bit, whatever else is read at the
same time.
"""

import ctypes
import functools
import math
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.language_models.int8 import kernel
from workbench.language_models.int8.weights import LANES, hadamard, pack
from workbench.minilm import DIMENSIONS, HEADS, LAYERS, NORM_EPSILON, Weights, batches
from workbench.minilm_peaks import load_peaks

_PIECE_TOKENS = 256
"""Read by one thread at once: few enough that threads finish together."""
_EIGHTHS = 8


class NormStruct(ctypes.Structure):
    """bert.c's Norm."""

    _fields_ = (("gain", ctypes.c_void_p), ("shift", ctypes.c_void_p))


class ProductStruct(ctypes.Structure):
    """bert.c's Product."""

    _fields_ = (("linear", kernel.LinearStruct), ("ease", ctypes.c_void_p))


class LayerStruct(ctypes.Structure):
    """bert.c's Layer."""

    _fields_ = (
        ("query_key_value", ProductStruct),
        ("attention_output", ProductStruct),
        ("wide", ProductStruct),
        ("narrow", ProductStruct),
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

    def __init__(self, weights: Weights) -> None:
        """Lay out the weights.

        Args:
            weights: as `workbench.minilm.load_weights` returns them.

        Raises:
            RagtuneError: the kernel can't be built here.
        """
        self._kernel = kernel.load_kernel()
        self._kept: list[Any] = []  # what the kernel has the addresses of

        peaks = load_peaks()

        def address(array: NDArray[np.float32]) -> int:
            kept = np.ascontiguousarray(array)
            self._kept.append(kept)
            return kept.ctypes.data

        def norm(name: str) -> NormStruct:
            parts = ("weight", "bias")
            return NormStruct(*(address(weights[f"{name}.LayerNorm.{part}"]) for part in parts))

        def product(*names: str) -> ProductStruct:
            weight, bias = (
                np.concatenate([weights[f"{n}.{p}"] for n in names]) for p in ("weight", "bias")
            )
            ease, weight = turned(weight, peaks.get(names[0]))
            packed = pack(weight, bias)
            self._kept.append(packed)
            return ProductStruct(packed.struct(), address(ease))

        layers = [
            LayerStruct(
                product(*(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))),
                product(f"{name}.attention.output.dense"),
                product(f"{name}.intermediate.dense"),
                product(f"{name}.output.dense"),
                norm(f"{name}.attention.output"),
                norm(f"{name}.output"),
            )
            for name in (f"encoder.layer.{number}" for number in range(LAYERS))
        ]
        tables = (
            f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")
        )
        self._struct = BertStruct(
            *(address(weights[table]) for table in tables),
            norm("embeddings"),
            (LayerStruct * LAYERS)(*layers),
            LAYERS,
            DIMENSIONS,
            HEADS,
            len(weights["encoder.layer.0.intermediate.dense.weight"]),
            NORM_EPSILON,
        )

    def first(
        self, rows: Sequence[Sequence[int]], second: Sequence[int] = ()
    ) -> NDArray[np.float32]:
        """See `workbench.minilm.Encoder.first`."""
        return self._read(rows, second or [len(row) for row in rows], first=True)

    def mean(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """See `workbench.minilm.Encoder.mean`."""
        return self._read(rows, [len(row) for row in rows], first=False)

    def _read(
        self, rows: Sequence[Sequence[int]], second: Sequence[int], *, first: bool
    ) -> NDArray[np.float32]:
        pieces = list(batches(rows, _PIECE_TOKENS))

        def read(piece: list[int]) -> NDArray[np.float32]:
            tokens = array("i", chain.from_iterable(rows[number] for number in piece))
            counts = array("i", [len(rows[number]) for number in piece])
            seconds = array("i", [second[number] for number in piece])
            out = np.empty((len(piece), DIMENSIONS), dtype=np.float32)
            given = [
                ctypes.c_void_p(numbers.buffer_info()[0]) for numbers in (tokens, counts, seconds)
            ]
            if self._kernel.read_texts(
                ctypes.byref(self._struct),
                *given,
                len(piece),
                first,
                ctypes.c_void_p(out.ctypes.data),
            ):
                raise MemoryError("There is not enough memory to read a text.")
            return out

        made = _threads().map(read, pieces) if pieces[1:] else map(read, pieces)
        out = np.empty((len(rows), DIMENSIONS), dtype=np.float32)
        for piece, states in zip(pieces, made, strict=True):
            out[piece] = states
        return out


def turned(
    weight: NDArray[np.float32], peaks: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Change a product so that its inputs are of like size when they become bytes.

    Each input is multiplied by a number; the eighths of a row, and the lanes of each vector, are
    then mixed by Hadamard matrices. The weights undo both.

    Sources: Xiao et al. 2022, "SmoothQuant", arXiv 2211.10438; Ashkboos et al. 2024, "QuaRot",
    arXiv 2404.00456.

    Args:
        weight: (outputs, inputs); the inputs are a multiple of 128.
        peaks: the largest size of each input, (inputs,); None where none stands out.

    Returns:
        What the inputs are multiplied by before sums and differences mix them; the weights.
    """
    outputs, inputs = weight.shape
    ease = np.ones(inputs, dtype=np.float32)
    if peaks is not None:
        least = np.float32(1e-4)
        ease = np.sqrt(np.maximum(np.abs(weight).max(0), least) / np.maximum(peaks, least))
    lanes = (weight / ease).reshape(outputs, -1, LANES) @ hadamard(LANES)
    mixed = hadamard(_EIGHTHS).T @ lanes.reshape(outputs, _EIGHTHS, -1)
    return ease / np.float32(math.sqrt(_EIGHTHS * LANES)), mixed.reshape(outputs, inputs)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(kernel.cores())
