"""Train an adapter that comes along with Ragtune: on questions about texts, to be shipped."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune_backend.lora import Step, train
from finetune_backend.rows import Row, make_row, shared_prefix
from finetune_backend.settings import TrainSettings
from workbench.files import read_json, write_json
from workbench.language_models.loading import Checkpoint, load_tokenizer

Turn = tuple[list[dict[str, str]], str]
"""A conversation, and what is to be said then."""


def tell(step: Step) -> None:
    """Say on stderr how far it is."""
    if step.step % 10 == 0 or step.step == step.steps:
        print(f"step {step.step} of {step.steps}, loss {step.loss:.3f}", file=sys.stderr)


def train_shipped(
    checkpoint: Checkpoint,
    texts_of: Callable[[int], list[list[Turn]]],
    settings: TrainSettings,
    report: Callable[[Step], None],
    folder: Path,
) -> None:
    """Train, and write a PEFT folder in half precision with its recipe.

    Args:
        checkpoint: the base model.
        texts_of: gives an epoch's turns, those about one text together, which is read once.
        settings: with ``epochs`` filled in; a batch counts texts.
        report: called after every step.
        folder: to write.
    """
    tokenizer = load_tokenizer(checkpoint)

    def rows_of(epoch: int) -> list[Row]:
        return [row for turns in texts_of(epoch) for row in rows_about_one_text(turns, tokenizer)]

    train(checkpoint, rows_of, settings, report, folder)
    _make_portable(folder, checkpoint)
    write_json(folder / "recipe.json", asdict(settings))


def rows_about_one_text(turns: Sequence[Turn], tokenizer: Any) -> list[Row]:
    """Return the rows for turns whose conversations begin alike."""
    rows = [make_row(tokenizer, chat, said) for chat, said in turns]
    shared = shared_prefix(rows)
    return [Row(row.prompt, row.answer, shared) for row in rows]


def _make_portable(folder: Path, checkpoint: Checkpoint) -> None:
    """Halve the precision, and name the base model instead of the place where it lies."""
    import torch
    from safetensors.torch import load_file, save_file

    file, config = folder / "adapter_model.safetensors", folder / "adapter_config.json"
    tensors = {name: tensor.to(torch.float16) for name, tensor in load_file(file).items()}
    save_file(tensors, file, {"format": "pt"})
    file.chmod(0o644)
    write_json(config, read_json(config) | {"base_model_name_or_path": checkpoint.name})
