"""A GGUF file holds the same model and tokenizer, for transformers and for llama.cpp."""

import json
import urllib.request

import pytest
import torch
from gguf import GGUFReader
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from finetune_backend.exports import gguf_file
from finetune_backend.exports.export import export
from finetune_backend.exports.gguf_tokenizer import why_no_tokenizer
from workbench.errors import RagtuneError
from workbench.language_models import bundled
from workbench.language_models.adapters import with_adapter
from workbench.language_models.int8.gate import continued, reference_logits
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages, render

TEXTS = (
    "What is the colour of the flagship kite?",
    "In 1987 it's 12,345.67 – naïve café 東京 🪁\n\n\tdef f(x):  return x",
    "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
)


@pytest.fixture(scope="module")
def file(strong, tmp_path_factory):
    return export(strong, tmp_path_factory.mktemp("gguf") / "strong.gguf", "gguf").place


def fields(file):
    return {name: field.contents() for name, field in GGUFReader(file).fields.items()}


@pytest.fixture(scope="module")
def stated(file):
    return fields(file)


@pytest.fixture(scope="module")
def base(strong):
    return find_checkpoint(strong.checkpoint)


def test_it_says_what_the_model_is(stated, file, base):
    assert stated["general.architecture"] == "llama" and stated["general.name"] == "strong"
    assert base.folder.name in stated["general.description"]
    assert not [name for name, value in stated.items() if str(base.folder) in str(value)]
    assert (stated["llama.block_count"], stated["llama.attention.head_count_kv"]) == (2, 2)
    assert stated["tokenizer.ggml.eos_token_id"] == 2
    assert stated["tokenizer.ggml.add_bos_token"] is False
    names = {tensor.name for tensor in GGUFReader(file).tensors}
    assert "output.weight" not in names and "blk.1.attn_k.weight" in names


def test_its_tokenizer_is_the_bundled_file_s(stated, file, base):
    """The tiny model has the bundled one's, which llama.cpp's own tools wrote once."""
    ours, theirs = stated, fields(bundled._packaged_gguf())
    for name in ("model", "pre", "tokens", "merges", "token_type"):
        assert ours[f"tokenizer.ggml.{name}"] == theirs[f"tokenizer.ggml.{name}"], name
    for name in ("bos_token_id", "eos_token_id", "unknown_token_id"):
        assert ours[f"tokenizer.ggml.{name}"] == theirs[f"tokenizer.ggml.{name}"], name
    assert ours["tokenizer.chat_template"] == theirs["tokenizer.chat_template"]
    read, tokenizer = bundled._tokenizer(file), load_tokenizer(base)
    for text in TEXTS:
        assert read(text)["input_ids"] == tokenizer(text)["input_ids"]


def test_8_bits_take_half_the_room(strong, file, tmp_path):
    made = export(strong, tmp_path / "strong.gguf", "gguf", "q8_0")
    assert made.check.passed and made.check.divergence < 0.05
    kinds = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(made.place).tensors}
    assert kinds["token_embd.weight"] == kinds["blk.0.ffn_down.weight"] == "Q8_0"
    assert kinds["output_norm.weight"] == "F32"
    halved = sum(tensor.n_bytes for tensor in GGUFReader(made.place).tensors)
    whole = sum(tensor.n_bytes for tensor in GGUFReader(file).tensors)
    assert halved / whole == pytest.approx(1.0625 / 2, rel=0.01)


def test_heads_in_another_order_are_noticed(strong, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_file, "_interleaved", lambda weight, _heads: weight)
    with pytest.raises(RagtuneError, match="doesn't say what the adapter says"):
        export(strong, tmp_path / "strong.gguf", "gguf")
    assert list(tmp_path.iterdir()) == []


def test_untied_layers_and_unused_tokens_are_written(checkpoint, tmp_path):
    tokenizer = load_tokenizer(checkpoint)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 24}
    config = LlamaConfig(
        vocab_size=len(tokenizer) + 3,
        tie_word_embeddings=False,
        eos_token_id=[2, 0],
        **sizes,
        **heads,
    )
    model = LlamaForCausalLM(config)
    base = gguf_file.Base("tiny", "not stated")
    gguf_file.save(model, tokenizer, tmp_path / "tiny.gguf", "q8_0", "tiny", base)
    stated = fields(tmp_path / "tiny.gguf")
    assert stated["tokenizer.ggml.tokens"][-1] == f"[PAD{len(tokenizer) + 2}]"
    assert (stated["tokenizer.ggml.eos_token_id"], stated["tokenizer.ggml.eot_token_id"]) == (2, 0)
    assert stated["llama.attention.key_length"] == 24
    kinds = {t.name: t.tensor_type.name for t in GGUFReader(tmp_path / "tiny.gguf").tensors}
    assert kinds["output.weight"] == "Q8_0"
    assert kinds["blk.0.ffn_down.weight"] == "F16"  # rows of 48 are no whole blocks


def tokenizer_of(model, before):
    made = Tokenizer(model)
    made.pre_tokenizer = before
    return PreTrainedTokenizerFast(tokenizer_object=made)


@pytest.mark.parametrize(
    ("model", "before", "said"),
    [
        (models.WordLevel({"a": 0}, unk_token="a"), pre_tokenizers.Whitespace(), "byte-level BPE"),
        (models.BPE(byte_fallback=True), pre_tokenizers.ByteLevel(False), "byte-level BPE"),
        (models.BPE(), pre_tokenizers.Whitespace(), "no name here"),
        (models.BPE(), pre_tokenizers.ByteLevel(add_prefix_space=True), "no name here"),
        (models.BPE(ignore_merges=True), pre_tokenizers.ByteLevel(False), "merges otherwise"),
        (models.BPE(), pre_tokenizers.ByteLevel(add_prefix_space=False), None),
    ],
)
def test_tokenizers_that_llama_cpp_would_read_otherwise_are_refused(model, before, said):
    reason = why_no_tokenizer(tokenizer_of(model, before))
    assert reason is None if said is None else said in reason


@pytest.fixture(scope="module")
def llama_cpp(file):
    xllamacpp = pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_ctx = 512
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = params.ui = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server


def asked(address, path, body):
    request = urllib.request.Request(
        address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_llama_cpp_reads_what_we_read(llama_cpp, base):
    tokenizer = load_tokenizer(base)
    for text in TEXTS:
        body = {"content": text, "add_special": True, "parse_special": True}
        assert asked(llama_cpp, "/tokenize", body)["tokens"] == tokenizer(text)["input_ids"]
    chat = messages(TEXTS[0], "Answer briefly.")
    said = asked(llama_cpp, "/apply-template", {"messages": chat})["prompt"]
    assert said == render(tokenizer, chat)


def test_llama_cpp_says_what_peft_says(llama_cpp, strong, base):
    """Its answers, and its chances of the first words."""
    tokenizer = load_tokenizer(base)
    model = with_adapter(load_weights(base, torch.float32, "cpu"), strong.adapter, base)
    for question in TEXTS[:2]:
        prompt = tokenizer(render(tokenizer, messages(question, "")))["input_ids"]
        expected = reference_logits(model, prompt)[-1].log_softmax(-1)
        answer = continued(model, prompt, [int(expected.argmax())], [2])
        body = {"prompt": prompt, "n_predict": len(answer), "temperature": 0, "n_probs": 20}
        said = asked(llama_cpp, "/completion", body | {"return_tokens": True})
        assert said["tokens"] == answer
        for chance in said["completion_probabilities"][0]["top_logprobs"]:
            assert chance["logprob"] == pytest.approx(expected[chance["id"]].item(), abs=0.05)
