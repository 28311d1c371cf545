"""`ragtune examples split`: into files, and into exams that no fine-tune learns from."""

import json

from comparison.exams.exam import read_exam
from comparison.exams.kept import find_exam
from workbench.home import Home


def test_labels_are_split_into_exams_and_set_aside(ragtune, tmp_path):
    data, folder = tmp_path / "tickets.csv", tmp_path / "parts"
    rows = [
        f"Where is my {what} {n} now?,{what}" for what in ("order", "refund") for n in range(20)
    ]
    data.write_text("\n".join(["question,answer", *rows]), encoding="utf-8")
    ragtune("examples", "import", data)
    code, _, err = ragtune("examples", "split")
    assert code == 1 and "name a FOLDER" in err
    code, out, err = ragtune("examples", "split", folder, "--keep", "--json")
    counts = {"train": 32, "validation": 4, "test": 4}
    assert json.loads(out) == counts | {"exams": ["validation", "test"]}
    assert err == "split by label\n"
    exam = read_exam(find_exam(Home(tmp_path / "home"), "test"))
    assert exam == read_exam(folder / "test.jsonl")
    assert sorted(one.answers[0] for one in exam) == ["order"] * 2 + ["refund"] * 2
    assert {one.options for one in exam} == {("order", "refund")}
    # What is set aside is not split again.
    out = ragtune("examples", "split", "--keep", "--by", "label")[1]
    assert "are set aside and kept as the exams validation-2 and test-2." in out
    ragtune("examples", "export", tmp_path / "all.jsonl")
    statuses = [
        json.loads(line).get("status")
        for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(statuses) == 40 and statuses.count("set aside") >= 12


def test_a_sweep_learns_from_approved_examples_alone_if_wanted(ragtune, tmp_path):
    rows = [{"question": f"{n}?", "answer": f"{n}", "status": "waiting"} for n in range(5)]
    data = tmp_path / "waiting.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ragtune("examples", "import", data)
    code, _, err = ragtune("sweep", "--approved-only")
    assert code == 1 and "No examples were given" in err
