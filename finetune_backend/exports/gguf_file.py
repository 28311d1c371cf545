"""The export "gguf": one file for llama.cpp, with the adapter in the weights.

Its names and their meaning: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import errno
import os
import re
from pathlib import Path
from typing import Any

from finetune_backend.exports.base import NOT_STATED, Base
from finetune_backend.exports.gguf_tokenizer import add_tokenizer, why_no_tokenizer

PRECISIONS = ("float16", "q8_0")
_BLOCK = 32
"""Weights of a row that share a scale in Q8_0."""
_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)")


def why_not(config: Any, tokenizer: Any) -> str | None:
    """Say why a model can't be written as GGUF, or None if it can."""
    if config.model_type != "llama":
        return f"its architecture is {config.model_type}; only llama can be written so far"
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type", "default") != "default":
        return f"its rotary positions are of the type {rope['rope_type']}; only default can be"
    if config.attention_bias or config.mlp_bias:
        return "its linear layers have biases, which can't be written so far"
    return why_no_tokenizer(tokenizer)


def save(model: Any, tokenizer: Any, file: Path, precision: str, name: str, base: Base) -> None:
    """Write a merged Llama.

    Args:
        model: in float32; see `why_not`.
        tokenizer: the checkpoint's.
        file: to write.
        precision: one of `PRECISIONS`, for matrices; vectors are kept in float32.
        name: the adapter's.
        base: what it was made from.
    """
    from gguf import GGUFWriter, LlamaFileType

    writer = GGUFWriter(file, "llama")
    try:
        writer.add_type("model")
        writer.add_name(name)
        writer.add_description(f"{base.name} with the LoRA adapter {name} merged by Ragtune")
        if base.licence != NOT_STATED:
            writer.add_license(base.licence)
        writer.add_base_model_count(1)
        writer.add_base_model_name(0, base.name)
        _add_sizes(writer, model.config)
        kinds = {"float16": LlamaFileType.MOSTLY_F16, "q8_0": LlamaFileType.MOSTLY_Q8_0}
        writer.add_file_type(kinds[precision])
        writer.add_quantization_version(2)
        add_tokenizer(writer, tokenizer, model.config.vocab_size, _ends(model))
        _add_weights(writer, model, precision)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    except OSError as error:
        if error.errno is None:  # numpy says how much it wrote, but not what stopped it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise
    finally:
        writer.close()


def _add_sizes(writer: Any, config: Any) -> None:
    head = _head_size(config)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


def _add_weights(writer: Any, model: Any, precision: str) -> None:
    import torch
    from gguf import GGMLQuantizationType, quants

    config, tied = model.config, model.config.tie_word_embeddings
    heads = {
        "attn_q.weight": config.num_attention_heads,
        "attn_k.weight": config.num_key_value_heads,
    }
    for name, weight in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue  # llama.cpp takes the embeddings where there is none
        name = _renamed(name)
        weight = weight.float()
        if (count := heads.get(name.split(".", 2)[-1])) is not None:
            weight = _interleaved(weight, count)
        if weight.ndim == 1:
            writer.add_tensor(name, weight.numpy())
        elif precision == "q8_0" and weight.shape[-1] % _BLOCK == 0:
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(name, quants.quantize(weight.numpy(), kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, weight.to(torch.float16).numpy())


def _renamed(name: str) -> str:
    """Return a tensor's name in GGUF: "model.norm.weight" is "output_norm.weight"."""
    module, _, kind = name.rpartition(".")
    layer = _LAYER.fullmatch(module)
    if layer:
        return f"blk.{layer[1]}.{_NAMES[layer[2]]}.{kind}"
    return f"{_NAMES[module]}.{kind}"


def _interleaved(weight: Any, heads: int) -> Any:
    """Reorder the outputs of queries or keys: llama.cpp rotates neighbours, where transformers
    rotates each output of a head's first half with one of its second."""
    rows = weight.view(heads, 2, len(weight) // heads // 2, -1)
    return rows.transpose(1, 2).reshape(weight.shape).contiguous()


def _head_size(config: Any) -> int:
    size: int | None = getattr(config, "head_dim", None)
    return size or int(config.hidden_size // config.num_attention_heads)


def _ends(model: Any) -> list[int]:
    ends = model.generation_config.eos_token_id
    if ends is None:
        return []
    return ends if isinstance(ends, list) else [ends]
