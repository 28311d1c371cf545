"""MiniLM's compiled pass: close to float32, and the same alone and in company."""

import ctypes
import platform
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench import minilm
from workbench.language_models.int8 import kernel
from workbench.language_models.int8.weights import hadamard
from workbench.minilm import FIRST, LAST, MiniLm, TorchEncoder, load_encoder
from workbench.minilm_compiled import CompiledMiniLm, turned
from workbench.minilm_peaks import load_peaks, measure

TEXTS = [
    "The workshop of Marlow Kites opens at 6:40 and closes at 17:20.",
    "Every employee has 31 days of paid leave. " * 20,
    "Who founded the company?",
    "Kite",
    *(f"{n} kites of silk were sold in the year {1990 + n}. " * n for n in range(1, 20)),
]


@pytest.fixture(scope="module")
def weights():
    return minilm.load_weights()


@pytest.fixture(scope="module")
def rows():
    read = minilm.load_tokenizer().encode_batch(TEXTS, add_special_tokens=False)
    return [[FIRST, *one.ids, LAST] for one in read]


def likeness(a, b):
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return torch.nn.functional.cosine_similarity(a, b).min()


def test_it_says_what_float32_says(weights, rows):
    reference, model = MiniLm(weights, "cpu", torch.float32), CompiledMiniLm(weights)
    second = [len(row) // 2 for row in rows]
    assert likeness(model.mean(rows), reference.mean(rows)) > 0.999
    assert likeness(model.first(rows, second), reference.first(rows, second)) > 0.999
    assert np.linalg.norm(model.mean(rows)) == pytest.approx(
        float(reference.mean(rows).norm()), rel=0.01
    )


def test_company_changes_nothing(weights, rows):
    """To the bit, in any order."""
    model = CompiledMiniLm(weights)
    second = [len(row) // 2 for row in rows]
    mean, first = model.mean(rows), model.first(rows, second)
    for number, row in enumerate(rows):
        assert np.array_equal(model.mean([row])[0], mean[number])
        assert np.array_equal(model.first([row], [second[number]])[0], first[number])
    assert np.array_equal(model.mean(rows[::-1]), mean[::-1])
    assert model.mean([]).shape == (0, minilm.DIMENSIONS)


@pytest.mark.parametrize("flags", [["-march=x86_64_v3"], ["-march=x86_64"]], ids=["avx2", "plain"])
def test_other_processors_say_the_same(weights, rows, flags, tmp_path, monkeypatch):
    if platform.machine() != "x86_64":
        pytest.skip("this processor has other instructions")
    expected = CompiledMiniLm(weights).mean(rows[:6])
    kernel.build(tmp_path / "other.so", *flags)
    other = ctypes.CDLL(str(tmp_path / "other.so"))
    monkeypatch.setattr(kernel, "load_kernel", lambda: other)
    # A sum that differs in its last bit may be rounded to the next byte.
    assert likeness(CompiledMiniLm(weights).mean(rows[:6]), expected) > 0.999


def test_torch_reads_where_nothing_can_be_compiled(weights, tmp_path, monkeypatch):
    assert isinstance(load_encoder(weights), CompiledMiniLm)
    assert isinstance(load_encoder(weights, torch.float32), TorchEncoder)
    monkeypatch.setattr(kernel, "load_kernel", kernel.load_kernel.__wrapped__)
    monkeypatch.setattr(kernel, "_COMPILER", ("false",))
    monkeypatch.setenv("RAGTUNE_MODELS", str(tmp_path))
    assert isinstance(load_encoder(weights), TorchEncoder)


def test_the_peaks_are_those_of_the_sample():
    """What is kept is what the command measures, and other texts' peaks are hardly higher."""
    folder = Path(__file__).parents[2] / "sample_docs"
    part = (folder / "faq.md").read_text(encoding="utf-8").split("\n\n")[:12]
    seen, kept = measure(part), load_peaks()
    assert seen.keys() == kept.keys() and len(seen) == 2 * minilm.LAYERS
    for name, peaks in seen.items():
        assert (peaks.numpy() <= kept[name] + 1e-3).all()
    other = measure(TEXTS)
    assert all((other[name].numpy() <= 3 * kept[name]).all() for name in kept)


def test_turning_a_product_changes_nothing_but_its_inputs():
    draw = np.random.default_rng(0)
    weight = draw.standard_normal((32, 384), dtype=np.float32)
    peaks = draw.random(384, dtype=np.float32) * 20
    x = draw.standard_normal((5, 384), dtype=np.float32) * peaks
    ease, weights = turned(weight, peaks)
    mixed = (x * ease).reshape(5, 8, 3, 16)
    for axis, size in ((1, 8), (3, 16)):
        signs = hadamard(size) * size**0.5
        mixed = np.moveaxis(np.tensordot(mixed, signs, axes=([axis], [0])), -1, axis)
    assert np.allclose(mixed.reshape(5, 384) @ weights.T, x @ weight.T, rtol=1e-3, atol=1e-2)
    assert np.abs(mixed).max() / mixed.std() < np.abs(x).max() / x.std()
