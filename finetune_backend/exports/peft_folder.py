"""The export "peft": a folder that PEFT loads, named after its base instead of a place."""

import shutil
from pathlib import Path

from finetune_backend.exports.base import public_name
from finetune_backend.runs import Run
from workbench.files import read_json, write_json

_WEIGHTS, _CONFIG = "adapter_model.safetensors", "adapter_config.json"


def save(run: Run, folder: Path) -> None:
    """Write a complete run's adapter to a new folder."""
    folder.mkdir()
    shutil.copyfile(run.adapter / _WEIGHTS, folder / _WEIGHTS)
    config = read_json(run.adapter / _CONFIG)
    write_json(folder / _CONFIG, config | {"base_model_name_or_path": public_name(run.checkpoint)})
