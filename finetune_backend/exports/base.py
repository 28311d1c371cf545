"""What can be said of a base model in public: its name and its licence, not where it lies."""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from finetune_backend.runs import Run
from workbench.errors import RagtuneError
from workbench.language_models.loading import Checkpoint, find_checkpoint
from workbench.settings import DEFAULT_MODEL

NOT_STATED = "not stated"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_PUBLISHED = "HuggingFaceTB/SmolLM2-135M-Instruct"
_PUBLISHED_LICENCE = "apache-2.0"
_UNPACKED = (
    "The weights are those that come with Ragtune, unpacked from a file with about 4 bits a weight "
    "(Q4_1). On the weights as they were published, answers can differ a little."
)
_LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
_KNOWN_TEXTS = {
    "Apache License": "apache-2.0",
    "MIT License": "mit",
    "GNU AFFERO GENERAL": "agpl-3.0",
    "GNU LESSER GENERAL": "lgpl-3.0",
    "GNU GENERAL PUBLIC": "gpl-3.0",
}
_HEAD_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Base:
    """A base model, as others know it."""

    name: str
    licence: str
    """An identifier as the Hugging Face hub has them, or what the model's folder says instead."""
    note: str = ""
    """What somebody should know who takes the published weights instead."""


def checkpoint_of(run: Run) -> Checkpoint:
    """Find the checkpoint that a run's adapter was made for.

    Raises:
        RagtuneError: it is not there any more, or was changed since.
    """
    checkpoint = find_checkpoint(run.checkpoint)
    if checkpoint.sha256 != run.checkpoint_sha256:
        raise RagtuneError(
            f"The model {run.checkpoint} was changed since the adapter {run.name!r} was made: its "
            "checksum is another one. Put back the model as it was."
        )
    return checkpoint


def base_of(run: Run) -> Base:
    """Say what is publicly known of a run's base model."""
    if run.checkpoint == DEFAULT_MODEL:
        return Base(_PUBLISHED, _PUBLISHED_LICENCE, _UNPACKED)
    with contextlib.suppress(RagtuneError):
        folder = find_checkpoint(run.checkpoint).folder
        if folder is not None:
            return Base(public_name(run.checkpoint), licence_in(folder))
    return Base(public_name(run.checkpoint), NOT_STATED)


def public_name(checkpoint: str) -> str:
    """Return a checkpoint's name without the folders of this machine."""
    if checkpoint == DEFAULT_MODEL:
        return _PUBLISHED
    if HUB_ID.fullmatch(checkpoint) and not Path(checkpoint).is_dir():
        return checkpoint
    return Path(checkpoint).expanduser().resolve().name


def licence_in(folder: Path) -> str:
    """Return the licence that a checkpoint's folder states, or "not stated"."""
    return _in_readme(folder) or _in_text(folder) or _in_gguf(folder) or NOT_STATED


def _in_readme(folder: Path) -> str | None:
    readme = folder / "README.md"
    if not readme.is_file():
        return None
    head = re.match(r"---\r?\n(.*?)\r?\n---", _start_of(readme), re.DOTALL)
    if head is None:
        return None
    for key in ("license_name", "license"):
        stated = re.search(rf"^{key}:[ \t]*[\"']?([\w.+ -]+)", head[1], re.MULTILINE)
        if stated:
            return stated[1].strip()
    return None


def _in_text(folder: Path) -> str | None:
    for file in (folder / name for name in _LICENCE_FILES):
        if file.is_file() and (text := _start_of(file).strip()):
            known = (name for words, name in _KNOWN_TEXTS.items() if words in text[:500])
            return next(known, text.splitlines()[0][:100].strip("# "))
    return None


def _in_gguf(folder: Path) -> str | None:
    from gguf import GGUFReader

    for file in folder.glob("*.gguf"):
        with contextlib.suppress(ValueError, OSError):  # not a GGUF file after all
            field = GGUFReader(file).fields.get("general.license")
            if field is not None:
                return str(field.contents())
    return None


def _start_of(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(_HEAD_CHARACTERS)
