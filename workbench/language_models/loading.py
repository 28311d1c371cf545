"""Find a checkpoint by name, folder or hub id, and load it."""

import contextlib
import functools
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.files import sha256, write_bytes
from workbench.language_models import bundled
from workbench.language_models.quiet import importing, quiet_transformers
from workbench.settings import DEFAULT_MODEL

_LARGE_BYTES = 50_000_000
_hashing = threading.Lock()
making_model = threading.RLock()
"""Held while a model is made or gets an adapter: transformers changes PyTorch's default type
and its initialization meanwhile, for all threads."""
_WEIGHTS = ("*.safetensors", "*.safetensors.index.json")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights that all methods of a comparison share."""

    name: str
    folder: Path | None
    """None where a server holds it."""
    sha256: str
    """Over the weights and the configuration: two checkpoints are equal when it is.

    A server doesn't show its weights, so there it is over the URL and the model's name: it
    tells two models apart, but not whether somebody replaced one under the same name.
    """
    server: str = ""
    """The base URL of the server that holds it; empty on this machine."""


def find_checkpoint(name: str, server: str = "") -> Checkpoint:
    """Find a checkpoint: the bundled one, a local folder, or a Hugging Face model id.

    With a server, it is that server's model of this name, and nothing is looked up.

    Only an id of the form ``owner/model`` reaches for the network, and only when its
    files are not in the local cache already.

    Raises:
        RagtuneError: nothing is there under that name; says what is available.
    """
    if server:
        digest = hashlib.sha256(f"{server}\n{name}".encode()).hexdigest()
        return Checkpoint(name, None, digest, server)
    if name == DEFAULT_MODEL:
        folder = bundled.provision()
    elif Path(name).expanduser().is_dir():
        folder = Path(name).expanduser().resolve()
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        folder = _from_hub(name)
    else:
        raise RagtuneError(f"There is no model {name!r}. {_available()}")
    if not (folder / "config.json").exists() or not any(folder.glob("*.safetensors")):
        raise RagtuneError(
            f"{folder} is not a model: config.json and *.safetensors were expected "
            f"(weights in pickle files are refused). {_available()}"
        )
    return Checkpoint(name, folder, _fingerprint(_stamps(folder)))


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """Load the checkpoint's tokenizer."""
    with importing:
        from transformers import AutoTokenizer

    with quiet_transformers(), _readable(checkpoint):
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_weights(checkpoint: Checkpoint, dtype: Any, device: str) -> Any:
    """Load the checkpoint's weights for inference or as the frozen base of a fine-tune.

    Args:
        checkpoint: what `find_checkpoint` returned.
        dtype: a ``torch.dtype``.
        device: "cpu", "cuda" or "mps".
    """
    with importing:
        from transformers import AutoModelForCausalLM

    with making_model, quiet_transformers(), _readable(checkpoint):
        model = AutoModelForCausalLM.from_pretrained(
            checkpoint.folder, dtype=dtype, use_safetensors=True
        )
    return model.to(device).eval()


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    with contextlib.suppress(Exception):  # not cached yet: the download below says why not
        return Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:
        reason = type(error).__name__
        raise RagtuneError(
            f"The model {name} could not be fetched from the Hugging Face hub ({reason}): "
            f"no connection, or no such model. {_available()}"
        ) from error


@contextlib.contextmanager
def _readable(checkpoint: Checkpoint) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first_line = str(error).strip().splitlines()[0][:200]
        raise RagtuneError(
            f"The model in {checkpoint.folder} could not be loaded: {first_line} {_available()}"
        ) from error


def _available() -> str:
    return (
        f"Available: {DEFAULT_MODEL} (bundled), any folder with a Hugging Face causal language "
        "model, or a hub id such as owner/model where the hub can be reached."
    )


def _weight_files(folder: Path) -> list[Path]:
    return sorted(
        {folder / "config.json", *(file for kind in _WEIGHTS for file in folder.glob(kind))}
    )


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return the path, bytes and time of last change of every file that a checkpoint is."""
    known = [(file, file.stat()) for file in _weight_files(folder)]
    return tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in known)


@functools.lru_cache(maxsize=8)
def _fingerprint(stamps: tuple[tuple[str, int, int], ...]) -> str:
    """Return a checkpoint's digest; one of large files is kept, as hashing takes seconds.

    It holds as long as no file changes its size or its time, which is what git goes by.
    """
    with _hashing:  # a second thread finds what the first one kept
        key = hashlib.sha256(repr(stamps).encode()).hexdigest()
        kept = bundled.models_folder() / "digests" / key
        large = sum(size for _, size, _ in stamps) > _LARGE_BYTES
        if large and kept.exists() and re.fullmatch(r"[0-9a-f]{64}", saved := kept.read_text()):
            return saved
        digest = hashlib.sha256()
        for file, _, _ in stamps:
            digest.update(f"{Path(file).name}:{sha256(Path(file))}\n".encode())
        if large:
            with contextlib.suppress(RagtuneError, OSError):  # an installation of somebody else
                write_bytes(kept, digest.hexdigest().encode())
        return digest.hexdigest()
