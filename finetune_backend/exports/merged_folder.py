"""The export "merged": a folder that transformers loads, with the adapter in the weights."""

import math
from pathlib import Path
from typing import Any

from workbench.files import read_json
from workbench.language_models.loading import Checkpoint, making_model
from workbench.language_models.quiet import quiet_transformers

HALVES = ("float16", "bfloat16")


def save(model: Any, tokenizer: Any, folder: Path, precision: str) -> None:
    """Write a merged model in half precision, with its tokenizer.

    Args:
        model: in float32; its weights are rounded in place.
        tokenizer: the checkpoint's.
        folder: to write.
        precision: one of `HALVES`.
    """
    import torch

    # transformers makes the weights' type PyTorch's default one while it saves.
    with making_model, quiet_transformers():
        model.to(getattr(torch, precision)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def best_half(model: Any, checkpoint: Checkpoint) -> tuple[str, str]:
    """Return the half precision for a merged model, and why it is that one.

    It is the one that the checkpoint was published in; where that is neither, the one that
    loses less of these weights.
    """
    if checkpoint.folder is None:
        raise ValueError(f"{checkpoint.name} has no weights on this machine.")
    config = read_json(checkpoint.folder / "config.json")
    own = str(config.get("dtype") or config.get("torch_dtype"))
    if own in HALVES:
        return own, f"saved in {own}, as its base model is"
    lost = {half: rounding_loss(model, half) for half in HALVES}
    best = min(HALVES, key=lambda half: lost[half])
    other = HALVES[1 - HALVES.index(best)]
    return best, (
        f"saved in {best}, which changes its weights by {lost[best]:.3%}; {other} would change "
        f"them by {lost[other]:.3%}"
    )


def rounding_loss(model: Any, half: str) -> float:
    """Return how much rounding changes a model's weights: the root of the sum of squared
    changes over that of the weights; infinite where one is too large for the precision."""
    import torch

    changed, whole = 0.0, 0.0
    with torch.inference_mode():
        for weight in model.parameters():
            rounded = weight.to(getattr(torch, half)).float()
            changed += float((weight - rounded).square().sum())
            whole += float(weight.square().sum())
    return math.sqrt(changed / whole) if math.isfinite(changed) and whole else math.inf
