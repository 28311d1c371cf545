"""Exports as jobs: one at a time for each form, gone with their run, and safe to stop."""

import shutil
import time

import pytest

from finetune_backend.exports.process import export_folder, read_export, start_export
from finetune_backend.runs import delete_run, read_run
from workbench import jobs
from workbench.errors import RagtuneError


@pytest.fixture()
def copy(strong, home):
    """A run that may be deleted."""
    shutil.copytree(strong.folder, home.runs / "copy")
    return read_run(home.runs / "copy")


def wait(folder):
    deadline = time.monotonic() + 120
    while jobs.at_work(folder):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return jobs.read(folder)


def test_a_stopped_export_leaves_nothing_and_can_be_made_again(home, copy):
    folder = start_export(home, copy, "merged")
    assert start_export(home, copy, "merged") == folder  # it is left running
    with pytest.raises(RagtuneError, match="A file of 'copy' is being made"):
        delete_run(copy)
    jobs.cancel(folder)
    assert wait(folder).state == "cancelled"
    assert read_export(copy, "merged") is None
    assert not [file for file in folder.iterdir() if "copy" in file.name]
    start_export(home, copy, "merged")
    assert wait(folder).state == "done"
    made = read_export(copy, "merged")
    assert made.place == folder / "copy.zip" and made.size_bytes == made.place.stat().st_size
    assert [file.name for file in folder.iterdir() if "copy" in file.name] == ["copy.zip"]
    assert made.check.passed and made.precision == "float16"
    delete_run(copy)
    assert not folder.exists()


def test_unknown_forms_start_nothing(home, copy):
    with pytest.raises(RagtuneError, match="'onnx' was given"):
        start_export(home, copy, "onnx")
    assert not export_folder(copy, "onnx").exists()
