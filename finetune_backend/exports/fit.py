"""Does an adapter that was made elsewhere fit a checkpoint, and can it be applied whole?

PEFT says nothing of matrices that it finds no layer for, and some kinds of LoRA change the base
itself, which would make every other answer wrong. So what can't be applied whole is refused.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from finetune_backend.exports.base import public_name
from workbench.errors import RagtuneError
from workbench.language_models.loading import Checkpoint, making_model
from workbench.language_models.quiet import importing, quiet_transformers

_TENSOR = re.compile(r"base_model\.model\.(.+)\.(lora_A|lora_B|lora_magnitude_vector)(?:\.weight)?")
_PATTERN = re.compile(r"[\w.^$]*\*?[\w.^$]*")
"""What a pattern for layers may be: one star, so that matching it is quick."""
_PLAIN_STARTS = (None, True, False, "gaussian", "eva", "orthogonal")
"""How matrices may have been begun; PiSSA, OLoRA and the like change the base's own weights."""
_READ = {
    *("peft_type", "task_type", "base_model_name_or_path", "r", "lora_alpha", "lora_dropout"),
    *("rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "fan_in_fan_out", "bias"),
    *("init_lora_weights", "target_modules"),
}
_OF_NO_EFFECT = {
    *("auto_mapping", "revision", "peft_version", "inference_mode", "exclude_modules"),
    *("layers_to_transform", "layers_pattern", "loftq_config", "eva_config", "megatron_core"),
    *("megatron_config", "qalora_group_size", "runtime_config", "ensure_weight_tying"),
}
"""Settings that say where matrices are, which the file itself shows, or how they were trained."""


def read_config(data: bytes) -> dict[str, Any]:
    """Read adapter_config.json, and refuse a kind of adapter that can't be applied.

    Raises:
        RagtuneError: it is no LoRA, or changes more than LoRA does.
    """
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RagtuneError("adapter_config.json is not JSON. Save the adapter again.") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        kind = config.get("peft_type") if isinstance(config, dict) else None
        raise RagtuneError(f"The adapter is of the kind {kind!r}; LORA was expected.")
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        raise RagtuneError(
            f"The adapter is for the task {config['task_type']!r}; CAUSAL_LM was expected."
        )
    start = config.get("init_lora_weights")
    if start not in _PLAIN_STARTS:
        raise RagtuneError(
            f"The adapter was begun with {start!r}, which changes the base's own weights. Convert "
            "it to a plain LoRA (PEFT: save_pretrained(…, path_initial_model_for_weight_"
            "conversion=…)) and import that."
        )
    if config.get("bias", "none") != "none":
        raise RagtuneError(
            "The adapter was trained with biases, which stay in the base when it is switched off. "
            'Train it with bias="none".'
        )
    unknown = [key for key in config.keys() - _READ - _OF_NO_EFFECT if config[key]]
    if unknown:
        raise RagtuneError(
            f"The adapter uses {', '.join(sorted(unknown))}, which Ragtune can't apply. LoRA on "
            "linear layers was expected, also as rsLoRA or DoRA."
        )
    return config


def check_base(config: dict[str, Any], checkpoint: Checkpoint) -> None:
    """Make sure that an adapter doesn't name another base model than the one in use.

    Names are compared without their owner or folder. One that names none is let through.

    Raises:
        RagtuneError: it names another.
    """
    named = str(config.get("base_model_name_or_path") or "")
    ours = {public_name(checkpoint.name), checkpoint.name}
    if named and _short(named) not in {_short(name) for name in ours}:
        raise RagtuneError(
            f"The adapter says that it was made for {named}; the model in use is "
            f"{public_name(checkpoint.name)}. Choose that model in Settings. If both are the same "
            "under two names, import it anyway (--anyway, or the box on the page)."
        )


def fitted(config: dict[str, Any], weights: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the configuration to keep: it names each layer that the file holds matrices for.

    Args:
        config: from `read_config`.
        weights: the adapter's safetensors file; only its header is read.
        checkpoint: what it is to fit.

    Raises:
        RagtuneError: the file is damaged, holds something else than LoRA matrices, or they don't
            fit the checkpoint's layers.
    """
    layers, made_for = _layers(weights, bool(config.get("use_dora"))), _sizes(checkpoint)
    ranks = {}
    for name, shapes in layers.items():
        if name not in made_for:
            raise _not_made_for(checkpoint, f"it changes {name}, a linear layer that is not there")
        inputs, outputs = made_for[name]
        given = (shapes["lora_A"][-1], shapes["lora_B"][0])
        if given != (inputs, outputs) or shapes["lora_A"][0] != shapes["lora_B"][-1]:
            raise _not_made_for(
                checkpoint,
                f"its matrices for {name} are {shapes['lora_A']} and {shapes['lora_B']}, where the "
                f"layer takes {inputs} values and gives {outputs}",
            )
        ranks[name] = shapes["lora_A"][0]
    rank = config.get("r")
    return {
        **{key: config[key] for key in ("use_rslora", "use_dora") if config.get(key)},
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": public_name(checkpoint.name),
        "inference_mode": True,
        "fan_in_fan_out": bool(config.get("fan_in_fan_out")),
        "r": rank,
        "lora_alpha": config.get("lora_alpha"),
        "lora_dropout": config.get("lora_dropout") or 0.0,
        "target_modules": sorted(layers),
        "rank_pattern": {name: own for name, own in ranks.items() if own != rank},
        "alpha_pattern": _checked_patterns(config.get("alpha_pattern") or {}),
    }


def _layers(weights: Path, dora: bool) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return the shapes of each layer's matrices."""
    from safetensors import SafetensorError, safe_open

    parts = {"lora_A", "lora_B"} | ({"lora_magnitude_vector"} if dora else set())
    layers: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    try:
        with safe_open(weights, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118
                tensor = _TENSOR.fullmatch(name)
                if tensor is None:
                    raise RagtuneError(
                        f"The adapter holds {name!r}, which is no LoRA matrix of a linear layer. "
                        "Whole layers, embeddings or new tokens can't be imported."
                    )
                layers[tensor[1]][tensor[2]] = tuple(opened.get_slice(name).get_shape())
    except SafetensorError as error:
        raise RagtuneError(
            f"{weights.name} is damaged, or not a safetensors file ({error})."
        ) from error
    for name, shapes in layers.items():
        if set(shapes) != parts or any(len(shapes[one]) != 2 for one in ("lora_A", "lora_B")):
            raise RagtuneError(
                f"The adapter's matrices for {name} are {', '.join(sorted(shapes))}; "
                f"{', '.join(sorted(parts))} were expected."
            )
    if not layers:
        raise RagtuneError("The adapter holds no matrices.")
    return dict(layers)


def _sizes(checkpoint: Checkpoint) -> dict[str, tuple[int, int]]:
    """Return how many values each linear layer takes and gives; no weights are loaded."""
    import torch

    with importing:
        from transformers import AutoConfig, AutoModelForCausalLM
        from transformers.pytorch_utils import Conv1D

    config = AutoConfig.from_pretrained(checkpoint.folder)
    with making_model, quiet_transformers(), torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    sizes = {}
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear):
            sizes[name] = (layer.in_features, layer.out_features)
        elif isinstance(layer, Conv1D):
            sizes[name] = (int(layer.nx), int(layer.nf))
    return sizes


def _checked_patterns(patterns: Any) -> Any:
    plain = isinstance(patterns, dict) and all(
        _PATTERN.fullmatch(layer) and type(alpha) in (int, float)
        for layer, alpha in patterns.items()
    )
    if not plain:
        raise RagtuneError(
            "The adapter's alpha_pattern is not a list of layers that can be read. Save it with "
            "the layers' names."
        )
    return patterns


def _not_made_for(checkpoint: Checkpoint, why: str) -> RagtuneError:
    return RagtuneError(
        f"The adapter was made for another model than {public_name(checkpoint.name)}: {why}. "
        "Choose its model in Settings, then import it."
    )


def _short(name: str) -> str:
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower()
