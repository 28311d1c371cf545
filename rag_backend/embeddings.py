"""The embedding model: all-MiniLM-L6-v2, from the package that carries it."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from workbench import minilm
from workbench.minilm import DIMENSIONS, FIRST, LAST

NAME = "all-MiniLM-L6-v2"
_LONGEST = 256  # tokens of a text that are read, special ones included
_BATCH_TOKENS = 4096
_KNOWN_WORDS = 1 << 16
_LONGEST_WORD = 64  # characters of one that is kept in mind


class MiniLmEmbeddings(Embeddings):
    """Sentence embeddings of unit length, so that a dot product is the cosine.

    Source: Reimers and Gurevych 2019, arXiv 1908.10084.
    """

    def __init__(self, dtype: Any = None) -> None:
        """Load the model.

        Args:
            dtype: see `minilm.load_encoder`.

        Raises:
            RagtuneError: the model's package is missing or damaged.
        """
        self._model = minilm.load_encoder(minilm.load_weights(), dtype)
        self._tokenizer = minilm.load_tokenizer()
        self._tokens_of_word = functools.lru_cache(_KNOWN_WORDS)(self._tokens)

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in a text, without special ones."""
        # No token spans white space, and most words have been counted before.
        return sum(
            self._tokens_of_word(word) if len(word) <= _LONGEST_WORD else self._tokens(word)
            for word in text.split()
        )

    def _tokens(self, text: str) -> int:
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
        means = self._model.mean(rows)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return means / np.maximum(lengths, np.float32(1e-12))
