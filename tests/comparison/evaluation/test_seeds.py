"""Fine-tunes that differ in their seed alone are taken together, and no others."""

import dataclasses

import pytest

from comparison.columns import Column
from comparison.evaluation.seeds import over_seeds
from finetune_backend.settings import TrainSettings
from workbench.files import write_json
from workbench.home import open_home


def made(home, name, examples="e", **settings):
    """Make the folder of a fine-tune that is done."""
    folder = home.runs / name
    run = {
        "settings": dataclasses.asdict(TrainSettings(**settings)),
        "checkpoint": "m",
        "checkpoint_sha256": "m",
        "examples": 1,
        "facts": 1,
        "examples_sha256": examples,
        "created": 0.0,
    }
    write_json(folder / "run.json", run)
    write_json(folder / "state.json", {"state": "done", "message": ""})


def rows(**right):
    return [
        {"number": number, "column": label, "right": one == "1"}
        for label, marks in right.items()
        for number, one in enumerate(marks)
    ]


def test_seeds_are_taken_together(tmp_path):
    home = open_home(tmp_path)
    made(home, "a", seed=0)
    made(home, "b", seed=1)
    made(home, "other-rank", seed=2, rank=4)
    made(home, "other-examples", examples="f", seed=3)
    columns = [
        Column("base"),
        *(Column("finetuned", name) for name in ("a", "b", "other-rank", "other-examples", "gone")),
        Column("hybrid", "a"),
    ]
    right = {column.label: "1100" * 10 for column in columns}
    right["finetuned · b"] = "1110" * 10
    (seeds,) = over_seeds(home, columns, rows(**right))
    assert (seeds.method, seeds.adapters, seeds.questions) == ("finetuned", ("a", "b"), 40)
    assert (seeds.lowest, seeds.highest, seeds.right.value) == pytest.approx((0.5, 0.75, 0.625))
    assert seeds.right.low < 0.5 and seeds.right.high > 0.75
    assert seeds.sentence.startswith("finetuned over 2 seeds (a, b): 62% right, ")


def test_without_questions_that_both_answered_nothing_is_said(tmp_path):
    home = open_home(tmp_path)
    made(home, "a", seed=0)
    made(home, "b", seed=1)
    columns = [Column("finetuned", "a"), Column("finetuned", "b")]
    assert over_seeds(home, columns, rows(**{"finetuned · a": "11"})) == []
