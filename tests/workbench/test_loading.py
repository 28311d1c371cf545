"""A checkpoint's digest: of its content, and kept only as long as its files are the same."""

import os

import pytest

from workbench.language_models import loading
from workbench.language_models.loading import find_checkpoint


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
