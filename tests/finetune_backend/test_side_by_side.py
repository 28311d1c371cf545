"""Runs side by side, notes, and a run once more."""

import dataclasses

import pytest

from finetune_backend import queue
from finetune_backend.again import can_run_again, examples_of, next_name, run_again
from finetune_backend.examples.read import read_examples
from finetune_backend.forgetting.measure import Change
from finetune_backend.lora import Step
from finetune_backend.notes import read_notes, write_notes
from finetune_backend.runs import cancel_run, list_runs, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.side_by_side import CURVES, MEANINGS, curves, differences, row
from finetune_backend.start_run import start_run
from finetune_backend.steps import adding_steps
from finetune_backend.training_set import Prompts
from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.language_models.loading import find_checkpoint

SHA = "a" * 64


@pytest.fixture()
def make(tiny_lab, tiny_model):
    """Write a run that ended, without training it."""
    checkpoint = find_checkpoint(str(tiny_model))

    def make(name, steps=(), measures=None, forgetting=(), sha=SHA, **settings):
        folder = tiny_lab.home.runs / name
        folder.mkdir()
        settings = dataclasses.asdict(TrainSettings(**{"epochs": 2, **settings}))
        run = {"settings": settings, "checkpoint": checkpoint.name, "system_prompt": ""}
        run |= {"checkpoint_sha256": checkpoint.sha256, "examples": 8, "facts": 2, "created": 0.0}
        write_json(folder / "run.json", {**run, "examples_sha256": sha})
        if measures:
            (folder / "adapter").mkdir()
            (folder / "adapter" / "weights").write_bytes(b"x" * 500_000)
            result = {"measures": measures, "adapter_sha256": SHA}
            changes = [dataclasses.asdict(change) for change in forgetting]
            write_json(folder / "complete.json", {**result, "forgetting": changes})
        with adding_steps(folder) as add:
            for step in steps:
                add(step)
        state = {"state": "done" if measures else "cancelled", "message": "Done"}
        write_json(folder / "state.json", state)
        return read_run(folder)

    return make


def steps(*measured):
    return [
        Step(n, len(measured), n, 1.0 / n, 1e-3, 5.0, n, 0.0, recall, loss)
        for n, (recall, loss) in enumerate(measured, start=1)
    ]


def test_a_row_says_what_is_known(make):
    changes = [Change("grammar", 0.8, 0.77, -3.0, 1.0), Change("knowledge", 0.5, 0.52, 1.0, 1.0)]
    changes.append(Change("surprise", 3.0, 6.0, 100.0, 1.0))  # in percent, so not among points
    measures = {"loss": 0.5, "seconds": 9.0, "peak_memory_gb": 1.5}
    made = row(make("one", steps((0.5, 2.0), (0.75, 1.5)), measures, changes))
    assert (made["state"], made["loss"], made["seconds"]) == ("done", 0.5, 9.0)
    assert (made["recall"], made["forgetting_points"], made["adapter_mb"]) == (0.75, -1.0, 0.5)
    assert made["peak_memory_gb"] == 1.5
    assert made["created"] == "1970-01-01T00:00:00+00:00"
    nothing = row(make("two"))
    unknown = ("loss", "recall", "forgetting_points", "seconds", "adapter_mb")
    assert [nothing[name] for name in unknown] == [None] * 5
    assert set(MEANINGS) <= set(made)
    assert (nothing["examples"], nothing["epochs"], nothing["rank"]) == (8, 2, 16)
    elsewhere = row(dataclasses.replace(make("elsewhere"), imported=True))
    unknown = ("examples", "facts", "epochs", "learning_rate", "batch_size")
    assert [elsewhere[name] for name in unknown] == [None] * 5 and elsewhere["rank"] == 16
    assert row(make("three", steps((0.5, 2.0)), {"loss": 1.0, "recall": 0.25}))["recall"] == 0.25


def test_only_what_differs_is_told(make):
    one, two = make("one", rank=8), make("two", rank=16, sha="b" * 64)
    rows = {row["what"]: (row["one"], row["two"]) for row in differences([one, two])}
    assert rows == {"examples_sha256": ("a" * 12, "b" * 12), "rank": (8, 16)}
    assert differences([one]) == differences([one, make("three", rank=8)]) == []


def test_curves_have_the_steps_that_measured_it(make):
    one, two = make("one", steps((None, None), (0.5, 2.0))), make("two", steps((0.25, 3.0)))
    assert curves([one, two], "recall") == [
        {"run": "one", "step": 2, "value": 0.5},
        {"run": "two", "step": 1, "value": 0.25},
    ]
    assert len(curves([one, two], "loss")) == len(curves([one, two], "learning_rate")) == 3
    assert set(CURVES) == {"loss", "general_loss", "validation_loss", "recall", "learning_rate"}
    with pytest.raises(ValueError, match="'seconds' was given; one of loss"):
        curves([one], "seconds")


def test_notes_are_kept_within_bounds(make):
    run = make("one")
    assert read_notes(run.folder) == ""
    for text in ("Zu schnell gelernt. <b>&\n" * 3, "x" * 4000, ""):
        write_notes(run.folder, text)
        assert read_notes(run.folder) == text
    with pytest.raises(RagtuneError, match="has 4,001 characters; at most 4,000"):
        write_notes(run.folder, "x" * 4001)
    assert read_notes(run.folder) == ""
    with pytest.raises(RagtuneError, match="was deleted"):
        write_notes(run.folder.with_name("gone"), "text")
    assert not run.folder.with_name("gone").exists()


def test_a_run_whose_examples_are_not_here_cannot_run_again(tiny_lab, make):
    run = make("elsewhere")
    assert not can_run_again(run)
    with pytest.raises(RagtuneError, match="'elsewhere' learned from is not kept here"):
        run_again(tiny_lab.home, run)
    assert [one.name for one in list_runs(tiny_lab.home)] == ["elsewhere"]


def test_names_count_on(tiny_lab, make):
    make("kites")
    assert next_name(tiny_lab.home, "kites") == "kites-2"
    make("kites-2")
    assert next_name(tiny_lab.home, "kites") == next_name(tiny_lab.home, "kites-2") == "kites-3"
    assert len(next_name(tiny_lab.home, "x" * 60)) == 60


def test_a_run_is_started_again_as_it_was(tiny_lab, tiny_model, examples_file, make):
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    checkpoint = find_checkpoint(str(tiny_model))
    settings = TrainSettings(epochs=1, rank=4, batch_size=4)
    first = start_run(tiny_lab.home, examples, settings, checkpoint, Prompts("Be brief."), "first")
    again = run_again(tiny_lab.home, first)
    other = run_again(tiny_lab.home, first, TrainSettings(epochs=3, batch_size=4), "other")
    assert (again.name, again.settings, again.prompts.system) == ("first-2", settings, "Be brief.")
    assert again.state.queued and again.examples_sha256 == first.examples_sha256
    assert examples_of(again) == examples_of(first)
    (row,) = [row for row in differences([first, other]) if row["what"] == "epochs"]
    assert (row["first"], row["other"]) == (1, 3)
    with pytest.raises(RagtuneError, match="'other' already"):
        run_again(tiny_lab.home, first, name="other")
    saved = read_json(other.folder / "run.json")
    write_json(other.folder / "run.json", {**saved, "checkpoint_sha256": "0"})
    with pytest.raises(RagtuneError, match="changed since 'other' was started"):
        run_again(tiny_lab.home, read_run(other.folder))
    for run in (again, other):
        queue.leave(run.folder)
    cancel_run(first)
