"""Import an adapter that was made elsewhere, as a run that is complete."""

import dataclasses
import math
import os
import shutil
import time
from pathlib import Path
from statistics import mean
from typing import Any

from finetune_backend.exports.fit import check_base, fitted, read_config
from finetune_backend.exports.received import CONFIG, WEIGHTS, Received
from finetune_backend.runs import Run, new_folder, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import check_trainable
from workbench.errors import RagtuneError
from workbench.files import sha256, sync_folder, write_bytes, write_json
from workbench.home import Home
from workbench.language_models.adapters import with_adapter
from workbench.language_models.int8.gate import divergences, gate_cases, reference_logits
from workbench.language_models.loading import Checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages, render

_LEAST_CHANGE = 1e-8
"""Nats a token; float32 answers twice the same to the bit, so that any adapter changes more."""
_QUESTIONS = 4
_WAIT_SECONDS = 60.0


def import_adapter(
    home: Home,
    checkpoint: Checkpoint,
    received: Received,
    name: str | None = None,
    anyway: bool = False,
) -> Run:
    """Check an adapter against the checkpoint, and keep it as a complete run.

    Args:
        home: where runs are.
        checkpoint: the model in use.
        received: the adapter's files.
        name: the run's; by default the next "adapter-N".
        anyway: take it also where it names another base model, if its matrices fit.

    Raises:
        RagtuneError: it can't be applied whole, doesn't fit, changes nothing, or the name is
            taken.
    """
    check_trainable(checkpoint)
    config = read_config(received.config)
    settings = _settings(config)
    if not anyway:
        check_base(config, checkpoint)
    with home.lock("import-adapter", _WAIT_SECONDS, "Another adapter is being imported."):
        new_folder(home, name)  # says early that a name won't do
        for left in home.folder.glob(".import-*.partial"):  # by one that was killed
            shutil.rmtree(left, ignore_errors=True)
        work = home.folder / f".import-{os.getpid()}.partial"
        try:
            _keep(work, config, settings, received, checkpoint)
            # A fine-tune may have taken the name meanwhile.
            with home.lock("start-run", _WAIT_SECONDS, "A fine-tune is being started; try again."):
                folder = new_folder(home, name)
                work.replace(folder)
            sync_folder(folder.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return read_run(folder)


def _keep(
    work: Path,
    config: dict[str, Any],
    settings: TrainSettings,
    received: Received,
    checkpoint: Checkpoint,
) -> None:
    """Write the run's folder, and check that the adapter works."""
    adapter = work / "adapter"
    write_bytes(adapter / WEIGHTS, received.weights)
    write_json(adapter / CONFIG, fitted(config, adapter / WEIGHTS, checkpoint))
    changes = _change(adapter, checkpoint)
    if not math.isfinite(changes) or changes < _LEAST_CHANGE:
        what = "changes nothing that the model says"
        if not math.isfinite(changes):
            what = "holds values that are not numbers"
        raise RagtuneError(
            f"The adapter {what}, so it was not imported. It may be damaged, or saved before it "
            "was trained."
        )
    write_json(
        work / "run.json",
        {
            "settings": dataclasses.asdict(settings),
            "checkpoint": checkpoint.name,
            "checkpoint_sha256": checkpoint.sha256,
            "system_prompt": "",
            "examples": 0,
            "facts": 0,
            "versions": {"peft": str(config.get("peft_version") or "not stated")},
            "created": time.time(),
            "imported": {
                "base": str(config.get("base_model_name_or_path") or ""),
                "change_nats": changes,
            },
        },
    )
    # What it measured where it was made is not known.
    complete = {"adapter_sha256": sha256(adapter / WEIGHTS), "measures": {}}
    write_json(work / "complete.json", complete)
    write_json(work / "state.json", {"state": "done", "message": "Imported"})


def _settings(config: dict[str, Any]) -> TrainSettings:
    """Return what is known of the settings; the others stand at their defaults."""
    alpha = config.get("lora_alpha")
    if isinstance(alpha, float) and alpha.is_integer():
        alpha = int(alpha)
    known: dict[str, Any] = {"rank": config.get("r"), "alpha": alpha}
    return TrainSettings(**known, dropout=config.get("lora_dropout") or 0.0)


def _change(adapter: Path, checkpoint: Checkpoint) -> float:
    """Return how far an adapter moves what the model says next, in nats a token on average."""
    import torch

    tokenizer = load_tokenizer(checkpoint)
    model = with_adapter(load_weights(checkpoint, torch.float32, "cpu"), adapter, checkpoint)
    nats = list[float]()
    for case in gate_cases(tokenizer)[:_QUESTIONS]:
        text = render(tokenizer, messages(case.user, ""))
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        tuned = reference_logits(model, tokens)
        with model.disable_adapter():
            nats += divergences(reference_logits(model, tokens), tuned)
    return mean(nats)
