"""Whether passages hold the answer to a question: a LoRA on the bundled language model."""

import functools
from pathlib import Path

from rag_backend.verify.calibration import Calibration, read_calibration
from workbench.errors import RagtuneError
from workbench.files import sha256
from workbench.language_models.choose import choose_engine
from workbench.language_models.first_token import load_first_token
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.prompts import messages, passage_prompt
from workbench.settings import DEFAULT_MODEL

YES, NO = "yes", "no"
"""What the adapter was taught to say first, according to whether the answer is there."""
CALIBRATION = "calibration.json"
_WEIGHTS = "adapter_model.safetensors"
_DIGEST_CHARACTERS = 16
FOLDER = Path(__file__).parent / "smollm2-verify"


def verify_prompt(question: str, passage: str) -> list[dict[str, str]]:
    """Return the conversation that asks the verifier: the one that asks for the answer."""
    return messages(passage_prompt(passage, question), "")


def shipped_calibration() -> Calibration:
    """Return what comes along with the verifier, from questions about other texts."""
    return read_calibration(FOLDER / CALIBRATION)


@functools.cache
def digest(folder: Path = FOLDER) -> str:
    """Return what tells one verifier from another."""
    return sha256(folder / _WEIGHTS)[:_DIGEST_CHARACTERS]


class Verifier:
    """Reads a question with a passage; see the card in its folder."""

    def __init__(self, folder: Path = FOLDER, model: str = DEFAULT_MODEL) -> None:
        """Load it: the int8 engine's copy where that is ready, else PyTorch's.

        Args:
            folder: as `comparison.shipped.train_verifier` writes it.
            model: the model that it was trained on.

        Raises:
            RagtuneError: the folder holds no verifier for this model.
        """
        if not (folder / _WEIGHTS).exists():
            raise RagtuneError(f"There is no verifier in {folder}: an adapter was expected.")
        self._first_token = load_first_token(find_checkpoint(model), folder, (YES, NO))

    def score(self, question: str, passage: str) -> float:
        """Return how much speaks for the passage to hold the answer.

        That is the logit of "yes" less that of "no" as the first token. It compares only with
        other scores; see `rag_backend.verify.calibration`.

        Args:
            question: as it was asked.
            passage: as the language model reads it, up to a paragraph long.

        Raises:
            RagtuneError: it is longer than the model's context.
        """
        yes, no = self._first_token(verify_prompt(question, passage))
        return yes - no


def load_verifier() -> Verifier:
    """Return the verifier that comes along: one for all, loaded again for a faster engine."""
    return _loaded(choose_engine("auto", find_checkpoint(DEFAULT_MODEL)).engine)


@functools.lru_cache(maxsize=1)
def _loaded(engine: str) -> Verifier:
    return Verifier()
