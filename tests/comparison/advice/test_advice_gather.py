"""Evidence is found in kept evaluations, in files and in fine-tunes."""

import json
import os

import pytest
from made_rows import made_rows

from comparison.advice.gather import find_evidence, kept_evaluations, rows_from
from comparison.lab import open_lab
from workbench.errors import RagtuneError
from workbench.files import write_json


@pytest.fixture()
def lab(tmp_path):
    lab = open_lab(tmp_path / "home")
    yield lab
    lab.database.close()


def keep(lab, name, rows, age=0, questions=None):
    folder = lab.home.folder / "evaluations" / name
    folder.mkdir(parents=True)
    rows = [row | {"number": n, "column": row["method"]} for n, row in enumerate(rows)]
    questions = questions or len(rows)
    saved = {"exam": "mine.jsonl", "questions": questions, "repeated": 0, "conditions": {}}
    columns = [{"method": "rag", "adapter": None}]
    write_json(folder / "evaluation.json", saved | {"columns": columns, "created": 0.0})
    state = "done" if len(rows) == questions else "paused"
    write_json(folder / "state.json", {"state": state, "message": ""})
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.utime(file, (1e9 - age, 1e9 - age))
    return file


def keep_run(lab, name, created, **measures):
    folder = lab.home.runs / name
    folder.mkdir()
    run = {"settings": {}, "checkpoint": "tiny", "checkpoint_sha256": "0", "examples": 8}
    write_json(folder / "run.json", {**run, "facts": 2, "created": created})
    write_json(folder / "state.json", {"state": "done", "message": ""})
    lost = {"kind": "grammar", "before": 0.8, "after": 0.7, "change": -10.0, "margin": 2.0}
    measured = {"adapter_sha256": "0", "measures": measures, "forgetting": [lost]}
    write_json(folder / "complete.json", measured)


def test_an_empty_home_has_no_evidence(lab):
    evidence = find_evidence(lab)
    assert evidence.methods == () and evidence.run is None and not evidence.served


def test_the_newest_evaluation_is_taken_or_the_one_that_is_named(lab):
    keep(lab, "old", made_rows("rag", 1, 4), age=100)
    keep(lab, "new", made_rows("rag", 3, 4))
    assert kept_evaluations(lab.home) == ["new", "old"]
    assert find_evidence(lab).of("rag").right.value == 0.75
    assert find_evidence(lab, "old").of("rag").right.value == 0.25
    with pytest.raises(RagtuneError, match="'other' can't be read: .* Kept are: new, old"):
        find_evidence(lab, "other")
    with pytest.raises(RagtuneError, match="can't be read"):
        find_evidence(lab, "long" * 1000)
    with pytest.raises(RagtuneError, match="Is a directory"):
        find_evidence(lab, "")


def test_a_complete_evaluation_comes_before_a_newer_one(lab):
    keep(lab, "whole", made_rows("rag", 1, 4), age=100)
    keep(lab, "begun", made_rows("rag", 3, 4), questions=9)
    assert kept_evaluations(lab.home) == ["whole", "begun"]
    assert (find_evidence(lab).name, find_evidence(lab).unfinished) == ("whole", "")
    assert find_evidence(lab, "begun").unfinished == ", 4 of 9 answers"


def test_a_row_that_is_being_written_is_not_read_yet(lab):
    file = keep(lab, "one", made_rows("rag", 1, 2))
    with file.open("a", encoding="utf-8") as out:
        out.write('{"question": "half')
    assert find_evidence(lab).of("rag").questions == 2
    keep(lab, "begun", [])
    assert find_evidence(lab, "begun").methods == ()


def test_a_printed_evaluation_is_read(lab, tmp_path):
    file = tmp_path / "result.json"
    rows = made_rows("base", 2, 4)
    file.write_text(json.dumps({"exam": "x", "methods": {}, "rows": rows}), encoding="utf-8-sig")
    evidence = find_evidence(lab, str(file))
    assert (evidence.name, evidence.of("base").right.value) == ("result.json", 0.5)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"[]", b"7", b'{"rows": 3}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_evaluation_is_refused(data):
    with pytest.raises(RagtuneError, match="x.json is not an evaluation: what"):
        rows_from(data, "x.json")


def test_the_fine_tune_is_the_one_that_was_measured(lab):
    keep_run(lab, "older", 1.0, seconds=100.0, peak_memory_gb=1.5)
    keep_run(lab, "newer", 2.0, seconds=50.0)
    keep_run(lab, "imported", 3.0)
    run = find_evidence(lab).run
    assert (run.name, run.seconds, run.peak_memory_gb) == ("newer", 50.0, None)
    assert run.forgetting[0].change == -10.0
    keep(lab, "one", made_rows("finetuned", 1, 2, adapter="older"))
    assert find_evidence(lab).run.name == "older"
    keep(lab, "two", made_rows("finetuned", 1, 2, adapter="elsewhere"), age=1)
    assert find_evidence(lab, "two").run is None
