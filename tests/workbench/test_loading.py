"""A checkpoint's digest: of its content, and kept only as long as its files are the same."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from workbench.language_models import loading
from workbench.language_models.loading import find_checkpoint, load_weights


@pytest.fixture()
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("RAGTUNE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(loading, "_LARGE_BYTES", 0)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"one")
    return folder


def digest(folder):
    loading._fingerprint.cache_clear()  # as a new process
    return find_checkpoint(str(folder)).sha256


def test_a_digest_is_kept_and_follows_the_content(model, tmp_path):
    first = digest(model)
    (kept,) = (tmp_path / "models" / "digests").iterdir()
    assert kept.read_text() == first == digest(model)
    weights = model / "model.safetensors"
    weights.write_bytes(b"two")
    os.utime(weights, ns=(1, 1))
    assert digest(model) != first


def test_a_damaged_or_unwritable_note_changes_nothing(model, tmp_path):
    first = digest(model)
    (kept,) = (tmp_path / "models" / "digests").iterdir()
    kept.write_text("nonsense")
    assert digest(model) == first == kept.read_text()
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("a file stands in the way")
    assert digest(model) == first


def test_small_models_leave_no_note(model, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "_LARGE_BYTES", 1_000)
    digest(model)
    assert not (tmp_path / "models").exists()


def test_models_loaded_side_by_side_have_the_types_asked_for(tiny_model):
    import torch

    checkpoint = find_checkpoint(str(tiny_model))
    types = [torch.float32, torch.bfloat16] * 20
    with ThreadPoolExecutor(4) as threads:
        models = threads.map(lambda dtype: load_weights(checkpoint, dtype, "cpu"), types)
    for dtype, model in zip(types, models, strict=True):
        assert {weight.dtype for weight in model.parameters()} == {dtype}
    assert torch.get_default_dtype() == torch.float32
