"""The parity gate, and what is made once for each checkpoint and adapter."""

import dataclasses
import os
import signal
import subprocess
import time

import numpy as np
import pytest
import torch

from workbench import jobs
from workbench.errors import RagtuneError
from workbench.language_models.adapters import with_adapter
from workbench.language_models.choose import choose_engine, load_engine
from workbench.language_models.int8 import gate, prepared
from workbench.language_models.int8.gate import adapter_divergences, gate_cases, measure_parity
from workbench.language_models.int8.prepared import load_base, prepare, readiness
from workbench.language_models.int8.weights import Linear
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights
from workbench.settings import DEFAULT_MODEL


@pytest.fixture(scope="module")
def default():
    """The default model: its checkpoint, float32 weights, 8-bit weights and tokenizer."""
    checkpoint = find_checkpoint(DEFAULT_MODEL)
    model = load_weights(checkpoint, torch.float32, "cpu")
    return checkpoint, model, load_base(checkpoint), load_tokenizer(checkpoint)


@pytest.fixture()
def other_model(tmp_path, tiny_model):
    """A checkpoint that nobody has made ready: the tiny one with one weight changed."""
    model = load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu")
    with torch.no_grad():
        model.model.norm.weight[0] += time.time() % 1
    model.save_pretrained(tmp_path / "model")
    load_tokenizer(find_checkpoint(str(tiny_model))).save_pretrained(tmp_path / "model")
    return find_checkpoint(str(tmp_path / "model"))


def test_the_gate_has_short_and_long_questions(default):
    cases = gate_cases(default[3])
    lengths = [len(default[3](case.user)["input_ids"]) for case in cases]
    assert min(lengths) < 12
    assert sorted(lengths)[-3] >= 600
    assert sum(bool(case.answers) for case in cases) > 50


def test_the_default_model_says_what_float32_says(default):
    _, model, weights, tokenizer = default
    cases = gate_cases(tokenizer)
    parity = measure_parity(model, weights, tokenizer, [*cases[:3], *cases[8:14], cases[-1]])
    assert parity.divergence < 0.02
    assert parity.equal_texts >= parity.texts // 3
    assert parity.reading_f1 > 0.1


def test_an_adapter_says_what_peft_says(default, tmp_path):
    from peft import LoraConfig, get_peft_model

    checkpoint, _, weights, tokenizer = default
    torch.manual_seed(3)
    config = LoraConfig(r=8, lora_alpha=64, target_modules="all-linear")
    tuned = get_peft_model(load_weights(checkpoint, torch.float32, "cpu"), config)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05)
    tuned.save_pretrained(tmp_path)
    copy = prepared.load_adapter(checkpoint, weights, tokenizer, tmp_path)
    model = with_adapter(load_weights(checkpoint, torch.float32, "cpu"), tmp_path, checkpoint)
    cases = [gate_cases(tokenizer)[number] for number in (1, 10, 60)]
    divergence = adapter_divergences(model, tokenizer, cases)
    applied, ignored = divergence(copy), divergence(weights)
    assert applied < 0.05
    assert applied < ignored / 4
    again = prepared.load_adapter(checkpoint, weights, tokenizer, tmp_path)  # from the disk
    assert np.array_equal(again.layers[0]["down"].weights, copy.layers[0]["down"].weights)
    assert again.embedding is weights.embedding


def test_an_adapter_that_was_not_applied_is_refused(int8_ready, tiny_adapter, monkeypatch):
    base = load_base(int8_ready)
    monkeypatch.setattr(prepared, "convert", lambda model, base: base)
    monkeypatch.setattr(prepared, "_adapter_file", lambda *_: int8_ready.folder / "no such file")
    with pytest.raises(RagtuneError, match="does not reproduce the adapter"):
        prepared.load_adapter(int8_ready, base, load_tokenizer(int8_ready), tiny_adapter)


def test_wrong_weights_do_not_pass_the_gate(default):
    _, model, weights, tokenizer = default
    first = weights.layers[0]
    down = first["down"]
    doubled = Linear(down.weights, down.scales * 3, down.totals, down.bias)
    layers = ({**first, "down": doubled}, *weights.layers[1:])
    wrong = dataclasses.replace(weights, layers=layers)
    parity = measure_parity(model, wrong, tokenizer, gate_cases(tokenizer)[:2])
    assert "nats from float32" in parity.reason


def test_a_closed_gate_says_why():
    open_gate = gate.Parity(0.01, 9, 10, 0.30, 0.31)
    assert open_gate.reason is None
    assert "F1 0.200" in dataclasses.replace(open_gate, reading_f1=0.2).reason
    assert "nan nats" in dataclasses.replace(open_gate, divergence=float("nan")).reason


def test_what_failed_the_gate_is_not_used(other_model, monkeypatch):
    prepare(other_model, lambda message, share: None)
    assert choose_engine("auto", other_model).engine == "int8"
    monkeypatch.setattr(gate, "LARGEST_DIVERGENCE", -1.0)
    choice = choose_engine("auto", other_model)
    assert choice.engine == "transformers"
    assert "nats from float32" in choice.why
    with pytest.raises(RagtuneError, match="can't serve"):
        load_engine("int8", other_model)


def test_it_is_made_ready_in_the_background(other_model):
    choice = choose_engine("auto", other_model)
    assert (choice.engine, choice.can_prepare) == ("transformers", True)
    prepared.start_preparing(other_model)
    prepared.start_preparing(other_model)  # a second one changes nothing
    seen, deadline = set(), time.monotonic() + 120
    while (state := readiness(other_model)).state != "ready" and time.monotonic() < deadline:
        seen.add(state.state)
        time.sleep(0.05)
    assert state.state == "ready"
    assert seen == {"working"}
    assert choose_engine("auto", other_model).engine == "int8"


def test_a_killed_preparation_leaves_nothing_half_made(other_model):
    prepared.start_preparing(other_model)
    folder = prepared._folder(other_model)
    while not readiness(other_model).reason.endswith("%"):
        time.sleep(0.02)
    job = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=True)
    os.kill(int(job.stdout.split()[0]), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while jobs.read(folder).active and time.monotonic() < deadline:
        time.sleep(0.05)
    assert readiness(other_model).state == "missing"
    assert choose_engine("auto", other_model).engine == "transformers"
    prepare(other_model, lambda message, share: None)
    assert readiness(other_model).state == "ready"


def test_an_unsuitable_model_is_served_by_the_reference(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=16, n_head=2, vocab_size=50)).save_pretrained(
        tmp_path
    )
    checkpoint = find_checkpoint(str(tmp_path))
    folder = prepared._folder(checkpoint)
    prepared.start_preparing(checkpoint)
    deadline = time.monotonic() + 60
    while jobs.read(folder).active and time.monotonic() < deadline:
        time.sleep(0.05)
    choice = choose_engine("auto", checkpoint)
    assert (choice.engine, choice.can_prepare) == ("transformers", False)
    assert "gpt2 is not one of the families" in choice.why


def test_old_copies_of_adapters_are_dropped(int8_ready, tiny_adapter, monkeypatch):
    base, tokenizer = load_base(int8_ready), load_tokenizer(int8_ready)
    file = prepared._adapter_file(int8_ready, tiny_adapter)
    prepared.load_adapter(int8_ready, base, tokenizer, tiny_adapter)
    old = file.with_name("old.safetensors")
    old.write_bytes(b"x" * 100)
    os.utime(old, (0, 0))
    monkeypatch.setattr(prepared, "ADAPTERS_ON_DISK_BYTES", file.stat().st_size)
    file.unlink()
    prepared.load_adapter(int8_ready, base, tokenizer, tiny_adapter)
    assert file.exists()
    assert not old.exists()
