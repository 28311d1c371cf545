"""The pages of many fine-tunes: the queue, the table of runs, the sweep."""

import time

import pytest

from finetune_backend import queue
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.store import add_examples
from finetune_backend.notes import read_notes, write_notes
from finetune_backend.runs import cancel_run, delete_run, list_runs, read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from finetune_backend.steps import read_steps
from finetune_backend.sweep.promote import promote
from finetune_backend.sweep.space import Range
from finetune_backend.sweep.sweeps import (
    Budget,
    cancel_sweep,
    list_sweeps,
    read_sweep,
    start_sweep,
)
from finetune_backend.sweep.trials import Epoch, Trial, write_trials
from pages.shared.lab import get_lab
from workbench.files import write_json

LONG = TrainSettings(epochs=1000, batch_size=1)
SHORT = TrainSettings(epochs=2, batch_size=4)


@pytest.fixture()
def app(app):
    """The app, of whose home nothing is at work afterwards."""
    yield app
    home = get_lab().home
    for one in queue.waiting(home):
        queue.leave(one.folder)
    if (left := queue.holder(home)) is not None:
        (left / "cancel").touch()
        until(lambda: queue.holder(home) is None)


@pytest.fixture()
def start(app, examples_file):
    """Start a run, or queue it."""
    lab = get_lab()
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    add_examples(lab.database, examples)

    def start(name, settings=SHORT):
        return start_run(lab.home, examples, settings, lab.checkpoint(), name=name)

    return start


def at(app, page):
    app.switch_page(f"pages/finetuning/{page}.py").run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def press(app, label):
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception


def until(done):
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_waits_is_listed_moved_and_taken_out(app, start):
    first = start("first", LONG)
    until(lambda: len(read_steps(first.folder)) > 2)
    at(app, "finetune")
    assert "Queue" not in [one.value for one in app.subheader]
    press(app, "Put it in the queue")
    assert [run.name for run in list_runs(get_lab().home)] == ["adapter-1", "first"]
    start("third")
    at(app, "finetune")
    assert "1. adapter-1** · starts in about" in words(app) and "2. third" in words(app)
    press(app, "To the front")
    assert [one.folder.name for one in queue.waiting(get_lab().home)] == ["third", "adapter-1"]
    app.button(key="leave-adapter-1").click().run()
    assert not app.exception and "adapter-1" not in words(app)
    assert len(queue.waiting(get_lab().home)) == 1
    assert {"Pause", "Cancel"} <= {one.label for one in app.button}


def test_a_queued_sample_run_says_what_it_waits_for(app, start):
    first = start("first", LONG)
    start("sample")
    until(lambda: read_run(first.folder).state.state == "running")
    app.switch_page("pages/start/home.py").run()
    assert not app.exception
    press(app, "Take it out of the queue")
    assert queue.waiting(get_lab().home) == []


def test_a_run_is_shown_noted_run_again_and_deleted(app, start):
    run = start("one")
    until(lambda: read_run(run.folder).state.ended)
    at(app, "runs")
    table = app.dataframe[0].value
    assert list(table["name"]) == ["one"] and table["loss"][0] > 0 and table["adapter_mb"][0] > 0
    assert [one.value for one in app.subheader] == ["one – done"]
    # Steps differ, so that the last one's would be another.
    losses = [step.loss for step in read_steps(run.folder)]
    assert len(set(losses)) == len(losses)
    assert [m.value for m in app.metric if m.label == "Loss"] == [f"{table['loss'][0]:.3f}"]
    app.text_area(key="notes-one").set_value("<b>Good</b> 🙂").run()
    press(app, "Save the notes")
    assert read_notes(run.folder) == "<b>Good</b> 🙂"
    rank = next(i for i in app.number_input if i.label == "Rank")
    assert rank.value == run.settings.rank
    rank.set_value(4)
    press(app, "Run again")
    again = read_run(get_lab().home.runs / "one-2")
    assert (again.settings.rank, again.settings.epochs) == (4, run.settings.epochs)
    until(lambda: read_run(again.folder).state.ended)
    at(app, "finetune")
    app.session_state["runs_chosen"] = ["one"]
    at(app, "runs")
    press(app, "Delete for good")
    assert [run.name for run in list_runs(get_lab().home)] == ["one-2"]


def test_several_runs_are_compared_and_what_runs_is_not_deleted(app, start):
    one = start("one", SHORT)
    until(lambda: read_run(one.folder).state.ended)
    two = start("two", LONG)
    until(lambda: len(read_steps(two.folder)) > 2)
    app.session_state["runs_chosen"] = ["one", "two"]
    at(app, "runs")
    assert app.dataframe[0].proto.placeholder == "–"  # what "two" has not measured yet
    table = app.dataframe[1].value
    assert list(table["Setting"]) == ["epochs", "batch_size"]
    assert list(table.loc[0])[1:] == ["1000", "2"]
    for curve in ("learning_rate", "recall", "loss"):
        app.segmented_control(key="curve").set_value(curve).run()
        assert not app.exception
    app.segmented_control(key="curve").set_value("recall").run()
    assert "it was not measured" in words(app)
    app.toggle(key="curve-log").set_value(True).run()
    assert not app.exception
    press(app, "Delete for good")
    assert "'two' is at work. Cancel it first." in words(app)
    assert [run.name for run in list_runs(get_lab().home)] == ["two"]
    cancel_run(two)


def test_a_long_note_is_shown_as_it_is(app, start):
    run = start("one")
    write_notes(run.folder, "# no heading\n" * 300)
    at(app, "runs")
    assert app.text_area(key="notes-one").value == "# no heading\n" * 300
    assert "no heading" not in words(app)


def test_a_sweep_is_set_up_watched_and_cancelled(app, start):
    at(app, "sweep")
    assert "At most" in words(app) and "The trials can't" not in words(app)
    app.toggle(key="search-rank").set_value(False).run()
    app.toggle(key="search-batch_size").set_value(False).run()
    app.number_input(key="from-epochs").set_value(400).run()
    app.number_input(key="to-epochs").set_value(300).run()
    assert "from 400 to 300; the first number was expected to be smaller" in words(app)
    app.number_input(key="to-epochs").set_value(500).run()
    press(app, "Start the sweep")
    (sweep,) = list_sweeps(get_lab().home)
    assert set(sweep.space) == {"learning_rate", "epochs"} and sweep.budget.trials == 12
    assert sweep.space["epochs"] == Range(400, 500)
    until(lambda: read_sweep(sweep.folder).state.state == "running")
    at(app, "sweep")
    assert {"Pause", "Cancel"} <= {one.label for one in app.button}
    press(app, "Cancel")
    until(lambda: read_sweep(sweep.folder).state.ended)
    at(app, "sweep")
    assert f"{sweep.name} – cancelled" in [one.value.replace("\\", "") for one in app.subheader]
    press(app, "Delete for good")
    assert list_sweeps(get_lab().home) == []


def test_a_sweep_that_ended_is_drawn_and_promoted(app, start, examples_file):
    lab = get_lab()
    examples = read_examples(examples_file.read_bytes(), examples_file.name).examples
    space = {"learning_rate": Range(1e-4, 1e-2), "rank": Range(4, 8)}
    sweep = start_sweep(
        *(lab.home, examples, SHORT, space, lab.checkpoint(), Budget(2)), name="rates"
    )
    until(lambda: read_sweep(sweep.folder).state.ended)
    at(app, "sweep")
    assert not app.exception and "No wordings are held out" in words(app)
    assert "from 5 trials on" in words(app) and "2 did so far" in words(app)
    table = app.dataframe[0].value
    assert list(table["Trial"]) == [1, 2] and "best" in list(table["State"])
    reached = [
        Trial(t.number, t.params, "done", (Epoch(1.0, t.number / 4, 2.0),), 3.0)
        for t in read_sweep(sweep.folder).trials
    ]
    made = promote(lab.home, read_sweep(sweep.folder), name="made")
    at(app, "runs")
    assert "What it forgot was not measured, as its adapter was made in a sweep" in words(app)
    delete_run(made)
    write_trials(sweep.folder, reached)
    write_json(sweep.folder / "importances.json", {"rank": 0.25, "learning_rate": 0.75})
    at(app, "sweep")
    assert "Best so far: trial 2**, recall 50%" in words(app)
    assert "Each setting's share" in words(app) and "No wordings" not in words(app)
    press(app, "Make the best trial a fine-tune")
    (run,) = list_runs(lab.home)
    assert run.name == "rates-2"
    at(app, "sweep")
    assert "Make the best trial a fine-tune" not in [one.label for one in app.button]
    cancel_sweep(sweep)
