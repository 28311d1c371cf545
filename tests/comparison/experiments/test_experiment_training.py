"""Experiments that train: fine-tunes of their own, made once, whatever comes between."""

import json
import time

import pytest

import cli
from comparison.exams.exam import exam_from
from comparison.experiments import forgetting, wordings
from comparison.experiments.experiment import Chosen
from comparison.experiments.keeper import Keeper
from comparison.experiments.kept import find_kept, read_experiment, start_experiment
from finetune_backend import queue
from finetune_backend.examples.store import add_examples
from finetune_backend.queue import TRAINED
from finetune_backend.runs import list_runs, read_run
from finetune_backend.steps import read_steps
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.values import Example

FACTS = {
    "How many days of leave are there?": "31 days",
    "How long before is notice given?": "14 days",
    "Within what time can a kite be returned?": "40 days",
    "Who sews the sails?": "Barnaby Quill",
}
WAYS = ("leave, {}", "notice: {}", "tell me this: {}", "{} please", "so, {}", "{} now")


def examples(each=6):
    return tuple(
        Example(way.format(question), answer, question)
        for question, answer in FACTS.items()
        for way in WAYS[:each]
    )


@pytest.fixture()
def run(lab, exam, tmp_path):
    """Run an experiment in this process, in a folder of the home, and tell what it says."""
    folder = lab.home.experiments / "one-1"
    folder.mkdir(parents=True)

    def run(module, given=None, check=lambda: None, **options):
        chosen = Chosen(
            tuple(exam_from(exam.data, exam.name)),
            None,
            module.Options(**options),
            examples() if given is None else given,
        )
        told = []
        keeper = Keeper(folder, lambda message, share: told.append((message, share)), check)
        try:
            return module.run(lab, chosen, keeper), keeper.rows, told
        finally:
            assert queue.holder(lab.home) is None and list_runs(lab.home) == []

    run.folder = folder
    return run


def test_more_wordings_are_trained_on_in_as_many_steps_and_another_one_is_asked(run):
    result, rows, told = run(wordings, wordings=4)
    runs = [read_run(place) for place in sorted((run.folder / TRAINED).iterdir())]
    assert [made.name for made in runs] == ["1 wording", "2 wordings", "4 wordings"]
    assert len({made.measures["steps"] for made in runs}) == 1
    assert [made.examples for made in runs] == [4, 8, 16]
    trained = {
        json.loads(line)["question"]
        for made in runs
        for line in (made.folder / "examples.jsonl").read_text("utf-8").splitlines()
    }
    assert len(trained) == 16 and not trained & {row["question"] for row in rows}
    asked = {(row["method"], row["wordings"]) for row in rows}
    assert asked == {("base", 0), ("rag", 0), *(("finetuned", size) for size in (1, 2, 4))}
    assert len(rows) == 5 * 4
    assert len(result.table) == 3 * 3 and result.figures[0].form == "curve"
    assert any("exam accepts (3 facts), or the whole answer" in note for note in result.notes)
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] > 0.9


def test_a_pause_within_a_fine_tune_goes_on_from_there_and_trains_nothing_again(run):
    def pause_within_the_second():
        steps = read_steps(run.folder / TRAINED / "2 wordings")
        if len(steps) == 5:
            (run.folder / "pause").touch()
            raise jobs.Paused

    with pytest.raises(jobs.Paused):
        run(wordings, check=pause_within_the_second, wordings=2)
    first, second = (run.folder / TRAINED / name for name in ("1 wording", "2 wordings"))
    made = (first / "complete.json").stat().st_mtime_ns
    assert read_run(first).complete and not read_run(second).complete
    assert read_run(second).state.state == "paused"
    (run.folder / "pause").unlink()
    _, rows, told = run(wordings, wordings=2)
    assert (first / "complete.json").stat().st_mtime_ns == made
    said = [message for message, _ in told if ": step " in message]
    assert said[0].startswith("2 wordings: step 6 of ")
    assert [step.step for step in read_steps(second)] == list(range(1, len(said) + 6))
    assert len(rows) == 4 * 4

    again, _, told = run(wordings, wordings=2)  # all is there
    assert not any("step" in message or "question" in message for message, _ in told)
    assert again.table


def test_each_rank_and_number_of_passes_is_measured(run):
    options = {"smaller_rank": 2, "larger_rank": 4, "epochs": 1}
    result, rows, told = run(forgetting, **options)
    assert [(row["rank"], row["epochs"], row["of"]) for row in rows] == [(2, 1, 2), (4, 1, 2)]
    assert [line["rank"] for line in result.table] == ["rank 2", "rank 4"]
    columns = set(result.table[0])
    for figure in result.figures:
        drawn = {figure.group, figure.value, figure.colour, figure.low, figure.high}
        assert drawn <= columns
    assert len(result.figures) == 5 and "Rank 4 beside rank 2, both after 1 epoch" in result.caption
    settings = read_run(run.folder / TRAINED / "rank 4, 1 epoch").settings
    assert (settings.rank, settings.alpha) == (4, 8)
    assert any("Measuring what it forgot" in message for message, _ in told)
    again, _, told = run(forgetting, **options)
    assert again == result and not any("step" in message for message, _ in told)


def test_what_cannot_be_trained_fails_with_its_reason(run):
    too_long = (*examples(), Example("How? " * 600, "So.", "long"))
    with pytest.raises(RagtuneError, match="tokens long; at most 512 are trained on"):
        run(forgetting, too_long)
    with pytest.raises(RagtuneError, match="0 facts have examples in 3 wordings or more"):
        run(wordings, examples(each=2))


def test_it_is_started_with_the_examples_of_that_moment_and_refused_without(lab, exam, capsys):
    for key in ("forgetting", "wordings"):
        with pytest.raises(RagtuneError, match="can't begin yet: No examples yet"):
            start_experiment(lab, key, exam)
    add_examples(lab.database, examples(each=2))
    with pytest.raises(RagtuneError, match="Wordings can't begin yet: 0 facts have"):
        start_experiment(lab, "wordings", exam)
    add_examples(lab.database, examples())
    kept = start_experiment(lab, "wordings", exam, wordings.Options(wordings=2))
    jobs.pause(kept.folder)
    add_examples(lab.database, [Example("Something new?", "Yes.", "new")])
    deadline = time.monotonic() + 60
    while read_experiment(kept.folder).state.active:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    kept = find_kept(lab.home, "wordings-1")
    assert kept.state.state == "paused" and kept.adapter is None
    assert set(kept.examples()) == set(examples()) and "the examples" in kept.conditions
    home = ["--home", str(lab.home.folder)]
    assert cli.main([*home, "experiment", "--resume", "wordings-1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["rows"]) == 4 * 4 and told["caption"].startswith("From 1 wording of each fact")
