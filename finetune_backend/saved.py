"""What a fine-tune goes on from after a pause or a kill: one file, replaced as a whole."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.errors import RagtuneError
from workbench.files import sync_folder, writing

_FILE = "saved.safetensors"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a fine-tune is."""

    step: int = 0
    examples: int = 0
    """Trained on so far."""
    seconds: float = 0.0
    """Since the first step, pauses left out."""
    recalls: tuple[float, ...] = ()
    """What was recalled of the held-out wordings after each epoch."""


def save(folder: Path, weights: Sequence[Any], optimizer: Any, reached: Reached) -> None:
    """Save the trained weights, what the optimizer knows of them, and how far it is.

    Raises:
        RagtuneError: the disk is full; what was saved before is still there.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {f"weight.{n}": weight.detach() for n, weight in enumerate(weights)}
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
    tensors["random"] = torch.get_rng_state()
    file = folder / _FILE
    partial = file.with_suffix(".partial")
    with writing(file):
        try:
            save_file(tensors, partial, {"reached": json.dumps(asdict(reached))})
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(file)
            sync_folder(folder)
        finally:
            partial.unlink(missing_ok=True)


def read_reached(folder: Path) -> Reached | None:
    """Return how far the saved state is; None where there is none."""
    from safetensors import safe_open

    file = folder / _FILE
    if not file.exists():
        return None
    with safe_open(file, framework="pt") as saved:
        reached = json.loads(saved.metadata()["reached"])
    return Reached(**reached | {"recalls": tuple(reached.get("recalls", ()))})


def load(folder: Path, weights: Sequence[Any], optimizer: Any) -> Reached:
    """Put a saved state in place, where there is one, and return how far it is.

    Raises:
        RagtuneError: the state is of another model.
    """
    import torch
    from safetensors.torch import load_file

    reached = read_reached(folder)
    if reached is None:
        return Reached()
    tensors = load_file(folder / _FILE)
    shapes = [tuple(tensors[name].shape) for name in tensors if name.startswith("weight.")]
    if sorted(shapes) != sorted(tuple(weight.shape) for weight in weights):
        raise RagtuneError(
            f"What was saved in {folder} is of another model. Start the fine-tune anew."
        )
    with torch.no_grad():
        for number, weight in enumerate(weights):
            weight.copy_(tensors[f"weight.{number}"])
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, place, field = name.split(".")
            state.setdefault(int(place), {})[field] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    torch.set_rng_state(tensors["random"])
    return reached


def forget(folder: Path) -> None:
    """Delete the saved state, which a complete adapter has no use for."""
    (folder / _FILE).unlink(missing_ok=True)
