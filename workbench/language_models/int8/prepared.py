"""What the int8 engine needs of a checkpoint or an adapter: made once, kept on disk.

Everything here can be deleted at any time; it is made again when it is needed.
"""

import dataclasses
import functools
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, write_json, writing
from workbench.language_models.bundled import models_folder
from workbench.language_models.int8 import gate, kernel
from workbench.language_models.int8.convert import convert, why_not
from workbench.language_models.int8.gate import (
    Parity,
    adapter_divergences,
    gate_cases,
    measure_parity,
)
from workbench.language_models.int8.weights import Int8Weights, load_converted
from workbench.language_models.loading import Checkpoint, load_tokenizer, load_weights
from workbench.language_models.quiet import importing

ADAPTERS_ON_DISK_BYTES = 2_000_000_000
_WEIGHTS = "weights.safetensors"
_ADAPTER_CASES = (0, 8, -1)  # of the gate: a bare question, a passage, a long context
_IMMATERIAL = 4

Progress = Callable[[str, float], object]
"""Called with what is being done and the share that is done."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Can the int8 engine serve a checkpoint?"""

    state: Literal["ready", "missing", "working", "refused"]
    reason: str = ""
    """Why it is not ready, as the end of a sentence; empty where it is."""


def readiness(checkpoint: Checkpoint) -> Readiness:
    """Say whether a checkpoint can be served."""
    folder = _folder(checkpoint)
    if _gate_file(folder).exists() and (folder / _WEIGHTS).exists():
        reason = load_parity(checkpoint).reason
        return Readiness("refused", reason) if reason else Readiness("ready")
    if not (folder / "state.json").exists():
        return Readiness("missing", "it has not been made ready yet (`ragtune provision`)")
    job = jobs.read(folder)
    if job.active:
        return Readiness("working", f"it is being made ready: {job.message}")
    if job.state == "failed":
        return Readiness("refused", job.message)
    return Readiness("missing", "its preparation was interrupted (`ragtune provision`)")


def start_preparing(checkpoint: Checkpoint) -> None:
    """Make a checkpoint ready in a process of its own, and return at once."""
    folder = _folder(checkpoint)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".start.lock"):
        if readiness(checkpoint).state == "missing":
            saved = {"name": checkpoint.name, "folder": str(checkpoint.folder)}
            write_json(folder / "checkpoint.json", saved | {"sha256": checkpoint.sha256})
            jobs.start(folder, "workbench.language_models.int8.prepared")


def prepare(checkpoint: Checkpoint, progress: Progress) -> Parity:
    """Convert a checkpoint and measure it against float32, where that has not been done.

    Raises:
        RagtuneError: the model is of a kind that can't be converted, or the disk is full.
    """
    import torch

    with importing:
        from transformers import AutoConfig

    folder = _folder(checkpoint)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".prepare.lock"):
        if _gate_file(folder).exists() and (folder / _WEIGHTS).exists():
            return load_parity(checkpoint)
        reason = why_not(AutoConfig.from_pretrained(checkpoint.folder))
        if reason:
            raise RagtuneError(reason)
        progress("building the engine", 0.0)
        kernel.load_kernel()
        progress("converting the model", 0.05)
        model = load_weights(checkpoint, torch.float32, "cpu")
        weights = convert(model)
        _save(weights, folder / _WEIGHTS)
        tokenizer = load_tokenizer(checkpoint)
        parity = measure_parity(
            model,
            weights,
            tokenizer,
            gate_cases(tokenizer),
            lambda share: progress("comparing it with float32", 0.2 + 0.8 * share),
        )
        write_json(_gate_file(folder), dataclasses.asdict(parity))
        return parity


def load_parity(checkpoint: Checkpoint) -> Parity:
    """Return what the gate measured of a prepared checkpoint."""
    return Parity(**read_json(_gate_file(_folder(checkpoint))))


def load_base(checkpoint: Checkpoint) -> Int8Weights:
    """Load a prepared checkpoint.

    Raises:
        RagtuneError: it is not ready, or didn't pass the gate.
    """
    ready = readiness(checkpoint)
    if ready.state != "ready":
        raise RagtuneError(
            f"The int8 engine can't serve {checkpoint.name}: {ready.reason.rstrip('.')}. "
            "Or choose another engine in Settings."
        )
    return load_converted(_folder(checkpoint) / _WEIGHTS)


def load_adapter(
    checkpoint: Checkpoint, base: Int8Weights, tokenizer: Any, adapter: Path
) -> Int8Weights:
    """Load the base with an adapter merged, converting and checking it the first time.

    Raises:
        RagtuneError: there is no adapter, it is for another model, changes more than the
            layers, or the int8 engine doesn't say what PEFT says with it.
    """
    file = _adapter_file(checkpoint, adapter)
    _check_within_layers(adapter)
    if file.exists():
        os.utime(file)  # the least recently used one goes first
        return load_converted(file, base)
    import torch

    from workbench.language_models.adapters import with_adapter

    model = load_weights(checkpoint, torch.float32, "cpu")
    tuned = with_adapter(model, adapter, checkpoint)
    cases = [gate_cases(tokenizer)[number] for number in _ADAPTER_CASES]
    divergence = adapter_divergences(tuned, tokenizer, cases)
    weights = convert(tuned.merge_and_unload(), base)
    without, reached = divergence(base), divergence(weights)
    # An adapter that changes less than rounding does can't be told from none, and needn't be.
    rounding = load_parity(checkpoint).divergence
    applied = reached < without / 2 or without < _IMMATERIAL * rounding
    if not (applied and reached <= gate.LARGEST_DIVERGENCE):
        raise RagtuneError(
            f"The int8 engine does not reproduce the adapter in {adapter}: it is {reached:.3f} "
            f"nats a token from PEFT's float32, without the adapter {without:.3f}. Choose the "
            "engine transformers in Settings."
        )
    _save(weights, file, base)
    _drop_oldest(file)
    return weights


def _folder(checkpoint: Checkpoint) -> Path:
    made_of = f"{checkpoint.sha256} {_conversion()}"
    return models_folder() / "int8" / hashlib.sha256(made_of.encode()).hexdigest()[:16]


@functools.cache
def _conversion() -> str:
    """Return what changes when the conversion does."""
    here = Path(__file__).parent
    sources = (here / name for name in ("convert.py", "weights.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _gate_file(folder: Path) -> Path:
    return folder / f"parity-{kernel.build_id()}.json"


def _adapter_file(checkpoint: Checkpoint, adapter: Path) -> Path:
    weights, config = adapter / "adapter_model.safetensors", adapter / "adapter_config.json"
    if not weights.exists() or not config.exists():
        raise RagtuneError(
            f"There is no adapter in {adapter}: adapter_model.safetensors was expected."
        )
    made_of = f"{sha256(weights)} {sha256(config)} {kernel.build_id()}"
    name = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    return _folder(checkpoint) / "adapters" / f"{name}.safetensors"


def _check_within_layers(adapter: Path) -> None:
    """Refuse what would be left out: embeddings, last norm and output layer are the base's."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(adapter / "adapter_model.safetensors", framework="np") as opened:
            names = list(opened.keys())
    except SafetensorError:
        return  # loading it tells what is wrong
    beyond = next((name for name in names if ".layers." not in name), None)
    if beyond:
        raise RagtuneError(
            f"The adapter in {adapter} changes more than the model's layers ({beyond}), which the "
            "int8 engine would leave out. Choose the engine transformers in Settings."
        )


def _save(weights: Int8Weights, file: Path, base: Int8Weights | None = None) -> None:
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        try:
            weights.save(partial, base)
            partial.chmod(0o644)  # one installation may serve several users
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)


def _drop_oldest(newest: Path) -> None:
    files = sorted(newest.parent.glob("*.safetensors"), key=lambda f: f.stat().st_mtime)
    total = sum(file.stat().st_size for file in files)
    for file in files:
        if total <= ADAPTERS_ON_DISK_BYTES or file == newest:
            return
        total -= file.stat().st_size
        file.unlink()


def main(folder: Path) -> None:
    """Do the work of `start_preparing`."""
    saved = read_json(folder / "checkpoint.json")
    checkpoint = Checkpoint(saved["name"], Path(saved["folder"]), saved["sha256"])
    with jobs.working(folder) as job:
        prepare(checkpoint, lambda message, share: job.say(f"{message}, {share:.0%}"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
