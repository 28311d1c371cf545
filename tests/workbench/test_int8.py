"""The int8 engine: close to the reference, the same alone and beside others."""

import ctypes
import platform
import shutil
import threading
import time

import numpy as np
import pytest
import torch

from workbench.errors import RagtuneError
from workbench.language_models.int8 import batcher as line
from workbench.language_models.int8 import kernel
from workbench.language_models.int8.convert import convert, why_not
from workbench.language_models.int8.engine import Int8Engine
from workbench.language_models.int8.forward import forward, new_cache
from workbench.language_models.int8.weights import hadamard, load_converted
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.prompts import opening_tokens
from workbench.language_models.transformers_engine import TransformersEngine

QUESTIONS = [f"Who or what is number {n}, {'kite ' * (3 * n)}?" for n in range(8)]


@pytest.fixture(scope="module")
def engine(int8_ready):
    return Int8Engine(int8_ready, adapter_bytes=1_000_000_000)


@pytest.fixture(scope="module")
def adapter(tiny_adapter):
    """A LoRA adapter that changes every linear layer of the tiny model."""
    return str(tiny_adapter)


def text(engine, question, **options):
    options.setdefault("max_new_tokens", 12)
    pieces = engine.stream([{"role": "user", "content": question}], **options)
    return "".join(piece.text for piece in pieces)


def logits(weights, tokens):
    return torch.from_numpy(forward(weights, [(new_cache(weights, len(tokens)), tokens)])[0])


def test_hadamard_is_orthonormal():
    matrix = hadamard(64)
    assert np.allclose(matrix @ matrix.T, np.eye(64), atol=1e-6)


@pytest.mark.parametrize(
    ("family", "feed_forward"),
    # Sizes that are mixed in eights and in pairs, and with numbers 3, 5, 8 and 16 apart.
    [("llama", 192), ("qwen2", 192), ("llama", 80), ("llama", 512), ("llama", 1024)],
)
def test_logits_are_close_to_float32(family, feed_forward):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family,
        vocab_size=500,
        hidden_size=96,
        intermediate_size=feed_forward,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.copy_(torch.rand_like(weight) + 0.5)
            if name.endswith("bias"):
                weight.copy_(torch.randn_like(weight))
    tokens = torch.randint(0, 500, (40,)).tolist()
    with torch.inference_mode():
        expected = model(torch.tensor([tokens])).logits[0, -1]
    error = (logits(convert(model), tokens) - expected).norm() / expected.norm()
    assert error < 0.06


def test_a_prompt_read_in_pieces_says_the_same(engine):
    weights, tokens = engine._base, list(range(100, 160))
    cache = new_cache(weights, 60)
    forward(weights, [(cache, tokens[:33])])
    in_pieces = forward(weights, [(cache, tokens[33:])])[0]
    assert np.array_equal(in_pieces, logits(weights, tokens))


@pytest.mark.parametrize("flags", [["-march=x86_64_v3"], ["-march=x86_64"]], ids=["avx2", "plain"])
def test_other_processors_say_the_same(engine, flags, tmp_path, monkeypatch):
    """What is built for processors with fewer instructions computes the same."""
    if platform.machine() != "x86_64":
        pytest.skip("this processor has other instructions")
    tokens = list(range(100, 170))
    expected = logits(engine._base, tokens)
    kernel.build(tmp_path / "other.so", *flags)
    other = ctypes.CDLL(str(tmp_path / "other.so"))
    monkeypatch.setattr(kernel, "load_kernel", lambda: other)
    reached = logits(engine._base, tokens)
    assert (reached - expected).norm() < 1e-4 * expected.norm()  # the same sums of integers


@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_threads_changes_nothing(engine, threads, tmp_path, monkeypatch):
    tokens = list(range(100, 170))
    expected = logits(engine._base, tokens)
    kernel.build(tmp_path / "own.so")
    own = ctypes.CDLL(str(tmp_path / "own.so"))
    assert own.use_threads(threads) == threads
    monkeypatch.setattr(kernel, "load_kernel", lambda: own)
    assert np.array_equal(logits(engine._base, tokens), expected)


def test_what_does_not_fit_the_cache_is_refused(engine):
    cache = new_cache(engine._base, 16)
    for tokens in ([], [1] * 17, [49152], [-1]):
        with pytest.raises(ValueError, match="tokens were given"):
            forward(engine._base, [(cache, tokens)])


def test_saved_weights_are_the_same(engine, tmp_path):
    engine._base.save(tmp_path / "weights.safetensors")
    again = load_converted(tmp_path / "weights.safetensors")
    assert again.shape == engine._base.shape
    assert np.array_equal(logits(again, [5, 6, 7]), logits(engine._base, [5, 6, 7]))


def test_company_changes_nothing(engine, adapter):
    """Every method's text is the same alone, and among eight others in any order."""
    cases = [(q, a) for q in QUESTIONS[:4] for a in (None, adapter)]
    alone = [text(engine, q, adapter=a) for q, a in cases]
    for order in (range(8), reversed(range(8))):
        together = [""] * 8

        def ask(number, together=together):
            question, tuned = cases[number]
            together[number] = text(engine, question, adapter=tuned)

        threads = [threading.Thread(target=ask, args=(number,)) for number in order]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert together == alone


def test_what_all_conversations_begin_with_is_read_once(int8_ready, adapter, monkeypatch):
    read, seen = line.read, list[int]()

    def counted(weights, parts):
        seen.append(sum(len(tokens) for _, tokens in parts))
        return read(weights, parts)

    monkeypatch.setattr(line, "read", counted)

    def asked(engine, question, tuned=None):
        seen.clear()
        return text(engine, question, adapter=tuned), sum(seen)

    expected = {}
    for tuned in (None, adapter):
        for question in QUESTIONS[:3]:
            expected[question, tuned] = asked(Int8Engine(int8_ready, 10**9), question, tuned)
    engine = Int8Engine(int8_ready, 10**9)
    opening = opening_tokens(engine._tokenizer, "")
    assert opening > 10
    for tuned in (None, adapter):
        for number, question in enumerate(QUESTIONS[:3]):
            said, tokens = expected[question, tuned]
            assert asked(engine, question, tuned) == (said, tokens - (opening if number else 0))
    # The same question again is not answered faster than it was.
    assert asked(engine, QUESTIONS[2], adapter)[1] == expected[QUESTIONS[2], adapter][1] - opening


def test_logits_are_equal_to_the_bit_beside_others(engine):
    prompts = [[1, 50 + n, 60, 70 + n] for n in range(8)]
    caches = [new_cache(engine._base, 8) for _ in prompts]
    alone = [forward(engine._base, [(c, p)])[0] for c, p in zip(caches, prompts, strict=True)]
    fresh = [new_cache(engine._base, 8) for _ in prompts]
    beside = forward(engine._base, list(zip(fresh, prompts, strict=True)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, beside, strict=True))
    one_more = forward(engine._base, [(c, [9]) for c in fresh])
    each = [forward(engine._base, [(c, [9])])[0] for c in caches]
    assert all(np.array_equal(a, b) for a, b in zip(each, one_more, strict=True))


def test_an_adapter_is_really_applied(engine, adapter, tiny_model):
    reference = TransformersEngine(find_checkpoint(str(tiny_model)))
    with_peft = reference._switch(adapter)
    tokens = list(range(200, 230))
    with torch.inference_mode():
        expected = with_peft(torch.tensor([tokens])).logits[0, -1]
    tuned, base = logits(engine._weights(adapter), tokens), logits(engine._base, tokens)
    assert (tuned - expected).norm() < 0.1 * (base - expected).norm()


def test_the_least_recently_used_copy_is_dropped(int8_ready, adapter, tmp_path):
    other = shutil.copytree(adapter, tmp_path / "other")
    small = Int8Engine(int8_ready, adapter_bytes=1)
    small.prepare(adapter)
    assert list(small._adapters) == [adapter]
    small.prepare(str(other))
    assert list(small._adapters) == [str(other)]
    roomy = Int8Engine(int8_ready, adapter_bytes=10**9)
    for name in (adapter, str(other), adapter):
        roomy.prepare(name)
    assert list(roomy._adapters) == [str(other), adapter]


def test_a_wrong_adapter_is_refused(engine, tmp_path):
    with pytest.raises(RagtuneError, match="no adapter in"):
        engine.prepare(str(tmp_path))


def test_closing_a_stream_frees_its_place(engine):
    streams = [
        engine.stream([{"role": "user", "content": q}], max_new_tokens=1500)
        for q in QUESTIONS[: line.TOGETHER]
    ]
    for stream in streams:
        next(stream)
    for stream in streams:
        stream.close()
    started = time.monotonic()
    text(engine, "Who?", max_new_tokens=1)
    assert time.monotonic() - started < 1.0


def test_a_full_line_says_busy(engine):
    streams = [
        engine.stream([{"role": "user", "content": "Who?"}], max_new_tokens=1500)
        for _ in range(line.TOGETHER)
    ]
    for stream in streams:
        next(stream)
    request = {"weights": engine._base, "prompt": [1], "ends": frozenset(), "limit": 1}
    waiting = [line.Request(**request) for _ in range(line.WAITING)]
    engine._batcher._line.extend(waiting)
    with pytest.raises(RagtuneError, match="Busy"):
        text(engine, "Who?")
    for one in waiting:
        one.cancelled = True
    for stream in streams:
        stream.close()
    assert isinstance(text(engine, "Who?"), str)


def test_a_prompt_that_does_not_fit_is_refused(engine):
    with pytest.raises(RagtuneError, match="tokens long"):
        text(engine, "kite " * 3000)


def test_an_unsuitable_model_is_named():
    from transformers import AutoConfig

    assert "gpt2" in why_not(AutoConfig.for_model("gpt2"))


def test_no_thread_outlives_the_program():
    batcher = line.Batcher()
    (thread,) = [t for t, end in line._threads.items() if end.changed is batcher._changed]
    line._wait_for_threads()
    assert not thread.is_alive()
