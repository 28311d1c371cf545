"""Reranking: a model reads the question and each found passage together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workbench import minilm
from workbench.errors import RagtuneError
from workbench.files import read_json
from workbench.minilm import FIT, HOLDS
from workbench.settings import BUNDLED_RERANKER

_FOLDER = Path(__file__).parent / BUNDLED_RERANKER
_LONGEST = 384
_BATCH_TOKENS = 8192  # at once: more than twenty pairs have


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reranker says of one passage; higher is better."""

    fit: float
    """How well it fits the question, to rank by."""
    holds: float
    """Whether it holds the answer: log-odds where the reranker is calibrated, else ``fit``."""


class Reranker(Protocol):
    """Judges passages for a question."""

    name: str

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """Judge each text."""
        ...


class MiniLmReranker:
    """The reranker that comes with Ragtune: MiniLM with a LoRA; see its card."""

    name = BUNDLED_RERANKER

    def __init__(self, folder: Path = _FOLDER, dtype: Any = None) -> None:
        """Load it.

        Args:
            folder: as `finetune_backend.cross_encoder` writes it.
            dtype: see `minilm.load_encoder`.

        Raises:
            RagtuneError: the folder holds no reranker for this MiniLM.
        """
        from safetensors.numpy import load_file

        try:
            config = read_json(folder / "adapter_config.json")
            matrices = load_file(folder / "adapter_model.safetensors")
            head = load_file(folder / "head.safetensors")
        except OSError as error:
            raise RagtuneError(
                f"There is no reranker in {folder}: adapter_config.json, "
                "adapter_model.safetensors and head.safetensors were expected."
            ) from error
        self._head = head
        weights = minilm.load_weights()
        scale = config["lora_alpha"] / config["r"]
        for key in [key for key in matrices if key.endswith(".lora_A.weight")]:
            name = key.removeprefix("base_model.model.").replace("lora_A.", "")
            down, up = (
                matrices[one].astype(np.float32) for one in (key, key.replace("lora_A", "lora_B"))
            )
            weights[name] = weights[name] + scale * up @ down
        self._model = minilm.load_encoder(weights, dtype)
        self._tokenizer = minilm.load_tokenizer()

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """See `Reranker.judge`."""
        asked, *read = self._tokenizer.encode_batch([question, *texts], add_special_tokens=False)
        pairs = [minilm.pair(asked.ids, one.ids, _LONGEST) for one in read]
        found: list[Judgement] = [Judgement(0.0, 0.0)] * len(texts)
        for batch in minilm.batches([row for row, _ in pairs], _BATCH_TOKENS):
            first = self._model.first([pairs[n][0] for n in batch], [pairs[n][1] for n in batch])
            out = first @ self._head["weight"].T + self._head["bias"]
            for number, row in zip(batch, out.tolist(), strict=True):
                found[number] = Judgement(fit=row[FIT], holds=row[HOLDS])
        return found


class CrossEncoderReranker:
    """Any cross-encoder of sentence-transformers: a folder, or a hub id."""

    def __init__(self, name: str) -> None:
        """Load it; only an id of the form ``owner/model`` reaches for the network.

        Raises:
            RagtuneError: there is none of this name.
        """
        from workbench.hardware import best_device
        from workbench.language_models.quiet import importing, quiet_transformers

        with importing:
            from sentence_transformers import CrossEncoder

        self.name = name
        folder = Path(name).expanduser()
        if not folder.is_dir() and not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            raise RagtuneError(
                f"There is no reranker {name!r}. Use {BUNDLED_RERANKER}, a folder with a "
                "cross-encoder, a hub id such as owner/model, or nothing for none."
            )
        try:
            with quiet_transformers():
                self._model = CrossEncoder(
                    str(folder) if folder.is_dir() else name,
                    device=best_device(),
                    local_files_only=folder.is_dir(),
                    model_kwargs={"use_safetensors": True},
                )
        except Exception as error:
            reason = str(error).strip().splitlines()[:1]
            raise RagtuneError(
                f"The reranker {name} could not be loaded ({type(error).__name__}: "
                f"{''.join(reason)[:200]}). Use {BUNDLED_RERANKER}, or choose another."
            ) from error

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """See `Reranker.judge`."""
        scores = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        return [Judgement(float(score), float(score)) for score in scores]


def load_reranker(name: str) -> Reranker:
    """Load a reranker: the bundled one by name, a cross-encoder's folder, or a hub id."""
    return MiniLmReranker() if name == BUNDLED_RERANKER else CrossEncoderReranker(name)
