"""The tokenizer in a GGUF file: byte-level BPE, as GPT-2 has it, with llama.cpp's name for how
text is split before."""

import json
from typing import Any

_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT_2 = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
_SPLITS = {
    "gpt-2": [_GPT_2],
    "smollm": [{"type": "Digits", "individual_digits": True}, _GPT_2],
    "llama-bpe": [
        {"type": "Split", "pattern": {"Regex": _LLAMA_3}, "behavior": "Isolated", "invert": False},
        _BYTES,
    ],
}
"""How text is split, by llama.cpp's names, as the tokenizers library writes it."""
_KEEPS_KNOWN_WORDS = ("llama-bpe",)
"""Those with which llama.cpp takes a word that is a token as it is, without merging."""


def why_no_tokenizer(tokenizer: Any) -> str | None:
    """Say why a tokenizer can't be written, or None if it can."""
    if not tokenizer.is_fast:
        return "its tokenizer isn't one of the tokenizers library"
    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    if spec["model"]["type"] != "BPE" or spec["model"].get("byte_fallback"):
        return "its tokenizer isn't byte-level BPE, the only kind that can be written so far"
    name = _split(spec)
    if name is None or spec["normalizer"] is not None:
        return "its tokenizer splits text in a way that has no name here"
    if bool(spec["model"].get("ignore_merges")) != (name in _KEEPS_KNOWN_WORDS):
        return f"its tokenizer merges otherwise than llama.cpp does with {name}"
    return None


def add_tokenizer(writer: Any, tokenizer: Any, size: int, ends: list[int]) -> None:
    """Write the tokens, their kinds, the merges, the special tokens and the chat template.

    Args:
        writer: a GGUFWriter.
        tokenizer: one that `why_no_tokenizer` has nothing against.
        size: how many tokens the model has; there may be more than the tokenizer knows.
        ends: tokens that end an answer.
    """
    from gguf import TokenType

    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    tokens = [f"[PAD{number}]" for number in range(size)]
    kinds = [TokenType.UNUSED] * size
    for token, number in tokenizer.get_vocab().items():
        tokens[number], kinds[number] = token, TokenType.NORMAL
    for number, token in tokenizer.added_tokens_decoder.items():
        kinds[number] = TokenType.CONTROL if token.special else TokenType.USER_DEFINED
    merges = spec["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_split(spec))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in merges])
    _add_special(writer, tokenizer, ends)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _add_special(writer: Any, tokenizer: Any, ends: list[int]) -> None:
    end = tokenizer.eos_token_id
    if ends and end not in ends:
        end = ends[0]
    other = next((one for one in ends if one != end), None)
    for number, add in (
        (end, writer.add_eos_token_id),
        (other, writer.add_eot_token_id),
        (tokenizer.bos_token_id, writer.add_bos_token_id),
        (tokenizer.unk_token_id, writer.add_unk_token_id),
        (tokenizer.pad_token_id, writer.add_pad_token_id),
    ):
        if number is not None:
            add(number)
    begun = tokenizer("a")["input_ids"]
    writer.add_add_bos_token(len(begun) > 1 and begun[0] == tokenizer.bos_token_id)
    writer.add_add_space_prefix(False)


def _split(spec: dict[str, Any]) -> str | None:
    """Return llama.cpp's name for how a tokenizer splits text, or None where it has none."""
    found = spec["pre_tokenizer"] or {}
    steps = found.get("pretokenizers", [found])
    for name, known in _SPLITS.items():
        if len(steps) == len(known) and all(
            step | wanted == step for step, wanted in zip(steps, known, strict=True)
        ):
            return name
    return None
