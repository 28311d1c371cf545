"""What the page offers of an adapter, through Streamlit's own test harness."""

import io
import time
import zipfile
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from finetune_backend.examples.read import read_examples
from finetune_backend.exports.process import export_folder, read_export
from finetune_backend.runs import find_run, list_runs, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from pages.shared.lab import get_lab
from workbench import jobs
from workbench.language_models.loading import find_checkpoint

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = "pages/finetuning/runs.py"


@pytest.fixture()
def app(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("RAGTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))
    monkeypatch.setenv("RAGTUNE_ENGINE", "transformers")
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    st.cache_resource.clear()


def at(app, script):
    app.switch_page(script).run()
    assert not app.exception


def words(app):
    kinds = (app.markdown, app.caption, app.error, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def button(app, label):
    return next(one for one in app.button if one.label == label)


@pytest.fixture()
def run(app, examples_file):
    lab = get_lab()
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    run = start_run(lab.home, examples, TrainSettings(epochs=2), lab.checkpoint(), name="kites")
    wait(run.folder)
    return read_run(run.folder)


def wait(folder):
    deadline = time.monotonic() + 120
    while jobs.at_work(folder):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def labels(app):
    return [one.label for one in app.button] + [
        element.proto.label for element in app.get("download_button")
    ]


def test_an_adapter_is_downloaded_in_each_form_and_imported_again(app, run):
    at(app, PAGE)
    assert "Card" in labels(app) and "Make the file" in labels(app)
    button(app, "Make the file").click().run()
    assert not app.exception
    wait(export_folder(run, "peft"))
    at(app, PAGE)
    made = read_export(run, "peft")
    assert f"Download, {made.size_bytes / 1e6:,.1f} MB" in labels(app)
    assert "8 of 8 answers equal; mean KL 0.0000 nats" in words(app)
    with zipfile.ZipFile(made.place) as archive:
        files = set(archive.namelist())
        assert "8 of 8 answers equal" in archive.read("kites/README.md").decode()
    assert files == {
        f"kites/{name}"
        for name in ("adapter_model.safetensors", "adapter_config.json", "README.md")
    }
    app.selectbox(key="form-kites").set_value("GGUF, 8 bit").run()
    assert "Make the file" in labels(app)

    data = made.place.read_bytes()
    app.file_uploader[0].set_value([("kites.zip", data, "application/zip")])
    next(one for one in app.text_input if one.placeholder == "adapter-1").set_value("again")
    button(app, "Import").click().run()
    assert not app.exception and not app.error
    assert "again was imported" in words(app)
    assert {one.name for one in list_runs(get_lab().home)} == {"kites", "again"}
    assert find_run(get_lab().home, "again").adapter_sha256 == run.adapter_sha256
    assert "Made elsewhere" in words(app)

    at(app, "pages/finetuning/finetune.py")
    app.session_state["runs_chosen"] = ["kites"]
    at(app, PAGE)
    app.selectbox(key="form-kites").set_value("PEFT adapter").run()
    button(app, "Delete the file").click().run()
    assert read_export(run, "peft") is None and "Make the file" in labels(app)


def test_an_export_that_failed_says_why(app, run, tmp_path, tiny_model):
    model = tiny_model / "config.json"
    whole = model.read_text(encoding="utf-8")
    try:
        model.write_text(whole.replace("1e-06", "1e-05"), encoding="utf-8")
        assert find_checkpoint(str(tiny_model)).sha256 != run.checkpoint_sha256
        at(app, PAGE)
        app.selectbox(key="form-kites").set_value("GGUF, 16 bit").run()
        button(app, "Make the file").click().run()
        wait(export_folder(run, "gguf", "float16"))
    finally:
        model.write_text(whole, encoding="utf-8")
    at(app, PAGE)
    app.selectbox(key="form-kites").set_value("GGUF, 16 bit").run()
    assert "was changed since the adapter" in words(app)
    assert "Make the file" in labels(app)
    left = export_folder(run, "gguf", "float16").iterdir()
    assert not [file.name for file in left if file.name.startswith(("kites", ".kites"))]


def test_what_is_imported_wrongly_is_one_sentence(app):
    at(app, PAGE)
    button(app, "Import").click().run()
    assert not app.exception
    assert "are missing" in app.error[0].value
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("adapter_model.bin", b"")
        archive.writestr("adapter_config.json", b"{}")
    app.file_uploader[0].set_value([("kites.zip", packed.getvalue(), "application/zip")])
    button(app, "Import").click().run()
    assert not app.exception
    assert "is a pickle" in app.error[0].value
    assert list_runs(get_lab().home) == []
