"""The embedding model: all-MiniLM-L6-v2, from the package that carries it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from workbench import minilm
from workbench.minilm import DIMENSIONS, FIRST, LAST, MiniLm

NAME = "all-MiniLM-L6-v2"
_LONGEST = 256  # tokens of a text that are read, special ones included
_BATCH_TOKENS = 4096


class MiniLmEmbeddings(Embeddings):
    """Sentence embeddings of unit length, so that a dot product is the cosine.

    Source: Reimers and Gurevych 2019, arXiv 1908.10084.
    """

    def __init__(self, dtype: Any = None) -> None:
        """Load the model.

        Args:
            dtype: what it multiplies in; by default what this machine does fastest.

        Raises:
            RagtuneError: the model's package is missing or damaged.
        """
        from workbench.hardware import best_device, fastest_dtype

        device = best_device()
        self._model = MiniLm(minilm.load_weights(), device, dtype or fastest_dtype(device))
        self._tokenizer = minilm.load_tokenizer()

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
        rows = [[FIRST, *one.ids[: _LONGEST - 2], LAST] for one in read]
        done, of = 0, sum(map(len, rows))
        for batch in minilm.batches(rows, _BATCH_TOKENS):
            vectors[batch] = self._embed([rows[number] for number in batch])
            done += sum(len(rows[number]) for number in batch)
            if progress:
                progress(done / of)
        return vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages, as LangChain asks for it."""
        return [[float(x) for x in row] for row in self.embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question, as LangChain asks for it."""
        return self.embed_documents([text])[0]

    def _embed(self, rows: list[list[int]]) -> Any:
        """Return the mean of each row's last states, of unit length."""
        import torch

        with torch.inference_mode():
            read = self._model.read(rows)
            sums = torch.zeros(len(rows), DIMENSIONS, device=read.states.device)
            sums.index_add_(0, read.row, read.states)
            # A mean and a sum point the same way.
            return torch.nn.functional.normalize(sums, dim=-1).cpu().numpy()
