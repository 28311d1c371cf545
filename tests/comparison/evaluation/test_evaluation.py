"""A kept evaluation: whole, stopped, killed, asked again, and refused where it would mix."""

import dataclasses
import json
import os
import re
import signal
import threading
import time

import pytest

import cli
from comparison.columns import Column
from comparison.evaluation.kept import (
    delete_evaluation,
    find_evaluation,
    list_evaluations,
    read_evaluation,
)
from comparison.evaluation.process import work
from comparison.evaluation.results import as_csv, as_json, results
from comparison.evaluation.rows import add_row, mend_rows, read_rows
from comparison.evaluation.start import (
    ask_again,
    make_evaluation,
    pause_evaluation,
    resume_evaluation,
    start_evaluation,
)
from workbench import jobs
from workbench.errors import RagtuneError

BASE = [Column("base")]
COLUMNS = [*BASE, Column("rag")]
QUESTIONS = [
    {"question": "When does the workshop close?", "answers": ["17:20"], "document": "handbook.md"},
    {"question": "Who is the mayor?", "unanswerable": True},
    {"question": "when does  the workshop close?", "answers": ["5 pm"]},
]


def exam(rows):
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.fixture()
def lab(tiny_lab, monkeypatch):
    """A lab without documents, which takes seconds less to answer."""
    monkeypatch.setenv("RAGTUNE_ENGINE", "transformers")
    return tiny_lab


@pytest.fixture()
def folder(lab):
    """An evaluation of the base model that was not started yet."""
    return make_evaluation(lab, exam(QUESTIONS), "mine.jsonl", BASE, "one")


@pytest.fixture()
def reading(lab, handbook):
    """An evaluation of base and RAG that was not started yet."""
    lab.knowledge_base.add(handbook)
    return make_evaluation(lab, exam(QUESTIONS), "mine.jsonl", COLUMNS, "one")


def places(folder):
    return [(row["number"], row["column"]) for row in read_rows(folder)]


def wait(folder, done):
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline, jobs.read(folder)
        time.sleep(0.02)


def test_every_question_is_asked_once_in_every_column(lab, reading):
    folder = reading
    work(folder)
    evaluation = find_evaluation(lab.home, "one")
    assert evaluation.state.state == "done" and evaluation.complete
    assert (evaluation.questions, evaluation.repeated, evaluation.answers) == (2, 1, 4)
    assert places(folder) == [(0, "base"), (0, "rag"), (1, "base"), (1, "rag")]
    found = results(evaluation)
    assert found.measures["rag"]["hit_at_k"] == 1.0 and "hit_at_k" not in found.measures["base"]
    assert "asked only once so that none counts twice: 1." in found.notes[0]
    printed = json.loads(json.dumps(as_json(evaluation, found)))
    assert set(printed["methods"]) == set(printed["intervals"]) == {"base", "rag"}
    assert printed["verdicts"][0]["sentence"].startswith("No difference between")
    lines = as_csv(found.rows).splitlines()
    assert len(lines) == 5 and lines[0].startswith("number,column,method")
    delete_evaluation(evaluation)
    assert list_evaluations(lab.home) == []


def test_what_is_there_is_not_asked_again(lab, reading):
    folder = reading
    work(folder)
    whole = (folder / "rows.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    (folder / "rows.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:40])  # as a kill leaves it
    assert places(folder) == [(0, "base"), (0, "rag")]
    work(folder)
    assert places(folder) == [(0, "base"), (0, "rag"), (1, "base"), (1, "rag")]
    again = (folder / "rows.jsonl").read_bytes().splitlines(keepends=True)
    assert again[:2] == lines[:2]
    texts = [[json.loads(line)["answer"] for line in part] for part in (lines, again)]
    assert texts[0] == texts[1]


def test_other_conditions_are_not_mixed_in(lab, reading, tmp_path):
    folder = reading
    work(folder)
    lines = (folder / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "rows.jsonl").write_bytes(lines[0])
    jobs.Job(folder)._save("paused", "Paused")
    other = tmp_path / "other.md"
    other.write_text("# Mayor\n\nThe mayor is Ada Holm.\n", encoding="utf-8")
    lab.knowledge_base.add(other)
    lab.change_settings(dataclasses.replace(lab.settings, max_new_tokens=9))
    with pytest.raises(RagtuneError, match="the setting max_new_tokens, the documents changed"):
        resume_evaluation(lab, read_evaluation(folder))
    work(folder)
    state = read_evaluation(folder).state
    assert state.state == "failed" and "start a new evaluation" in state.message
    assert places(folder) == [(0, "base")]


def test_rows_are_asked_again(lab, folder):
    with pytest.raises(RagtuneError, match="is not complete"):
        jobs.Job(folder)._save("paused", "Paused")
        ask_again(lab, read_evaluation(folder), [(1, "base")])
    work(folder)
    with pytest.raises(RagtuneError, match="no answer 3 of 'base'"):
        ask_again(lab, read_evaluation(folder), [(2, "base")])
    lines = (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    changed = json.loads(lines[1]) | {"answer": "made up"}
    (folder / "rows.jsonl").write_text(
        "\n".join([lines[0], json.dumps(changed), *lines[2:]]) + "\n", encoding="utf-8"
    )
    assert read_rows(folder)[1]["answer"] == "made up"
    ask_again(lab, read_evaluation(folder), [(1, "base")])
    wait(folder, lambda: not jobs.read(folder).active)
    assert jobs.read(folder).state == "done", jobs.read(folder)
    assert len(places(folder)) == 2 and len((folder / "rows.jsonl").read_bytes().splitlines()) == 3
    assert read_rows(folder)[1]["answer"] == json.loads(lines[1])["answer"]


def test_killed_and_paused_it_goes_on_where_it_stopped(lab):
    rows = [{"question": f"Question {n}?", "answers": ["x"]} for n in range(40)]
    started = start_evaluation(lab, exam(rows), "long.jsonl", BASE)
    folder = started.folder
    with pytest.raises(RagtuneError, match="'evaluation-1' is at work, and two would slow"):
        start_evaluation(lab, exam(rows), "long.jsonl", BASE)
    with pytest.raises(RagtuneError, match="is at work. Cancel it first"):
        delete_evaluation(started)
    wait(folder, lambda: len(places(folder)) >= 2)
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    wait(folder, lambda: not jobs.read(folder).active)
    assert jobs.read(folder).state == "interrupted"
    before = list(read_rows(folder))
    assert 2 <= len(before) < 40

    def pause_soon():
        wait(folder, lambda: len(places(folder)) > len(before))
        pause_evaluation(started)

    pausing = threading.Thread(target=pause_soon)
    pausing.start()
    work(folder)
    pausing.join()
    assert jobs.read(folder).state == "paused" and len(before) < len(places(folder)) < 40
    evaluation = resume_evaluation(lab, read_evaluation(folder))
    wait(folder, lambda: not jobs.read(folder).active)
    assert jobs.read(folder).state == "done", jobs.read(folder)
    assert list(read_rows(folder))[: len(before)] == before
    assert [number for number, _ in places(folder)] == list(range(40))
    with pytest.raises(RagtuneError, match="is done; only one that was paused"):
        resume_evaluation(lab, evaluation)


@pytest.mark.parametrize(
    ("data", "columns", "name", "said"),
    [
        (b"", BASE, None, "is empty"),
        (b"question,answer\n", BASE, None, "The only row of .* Row 1: it is not JSON"),
        (exam(QUESTIONS), [], None, "0 columns were chosen"),
        (exam(QUESTIONS), [Column("finetuned")], None, "finetuned can't answer yet: No adapter"),
        (
            exam(QUESTIONS),
            [Column("finetuned", "x")],
            None,
            "finetuned · x can't answer yet: There",
        ),
        (exam(QUESTIONS), [Column("rag")], None, "rag can't answer yet: No documents yet"),
        (exam(QUESTIONS), [Column("base", None, "m")], None, "asks one model only"),
        (exam(QUESTIONS), BASE, "../one", "can't be the name"),
        (exam(QUESTIONS), BASE, "one", "There is an evaluation 'one' already"),
        (b'{"question": "Q?", "answers": ["A"]}\n' * 100_001, BASE, None, "more than 100,000"),
    ],
)
def test_what_can_not_be_asked_is_one_sentence(lab, folder, data, columns, name, said):
    with pytest.raises(RagtuneError, match=said):
        start_evaluation(lab, data, "mine.jsonl", columns, name)
    assert [one.name for one in (folder.parent).iterdir()] == ["one"]


def test_a_line_that_is_damaged_is_named(tmp_path):
    assert read_rows(tmp_path) == ()
    mend_rows(tmp_path)
    add_row(tmp_path, {"number": 1, "column": "rag", "answer": "half \ud83d and 🙂"})
    add_row(tmp_path, {"number": 0, "column": "rag", "answer": "b"})
    assert [row["number"] for row in read_rows(tmp_path)] == [0, 1]
    file = tmp_path / "rows.jsonl"
    file.write_bytes(file.read_bytes() + b"{}\n")
    with pytest.raises(RagtuneError, match=r"Line 3 of .*rows.jsonl is damaged"):
        read_rows(tmp_path)


def test_the_command_line_keeps_it(lab, tmp_path, capsys):
    file = tmp_path / "mine.jsonl"
    file.write_bytes(exam(QUESTIONS))

    def ragtune(*arguments):
        code = cli.main(["--home", str(lab.home.folder), *map(str, arguments)])
        return code, *capsys.readouterr()

    assert ragtune("evaluations")[1].startswith("No evaluations yet")
    code, out, err = ragtune("evaluate", file, "--methods", "base", "--name", "mine")
    assert code == 0, err
    assert "right" in out and "Share of all questions answered rightly" in out
    assert re.search(r"^right +\d\.\d{3} \(\d\.\d{3}–\d\.\d{3}\)", out, re.MULTILINE)
    assert re.search(r"^latency_ms, p99 +\d", out, re.MULTILINE)
    (row,) = json.loads(ragtune("evaluations", "--json")[1])
    assert (row["name"], row["state"], row["columns"]) == ("mine", "done", ["base"])
    shown = json.loads(ragtune("evaluations", "show", "mine", "--json")[1])
    assert len(shown["rows"]) == 2 and shown["exam"] == "mine.jsonl"
    for wrong in ((), (file, "--resume", "mine")):
        code, _, err = ragtune("evaluate", *wrong)
        assert code == 1 and "Name an exam, or an evaluation to go on with" in err
    code, _, err = ragtune("evaluate", "--resume", "none")
    assert code == 1 and "There is no evaluation 'none'. Evaluations: mine." in err
    assert ragtune("evaluations", "delete", "mine")[1] == "deleted   mine\n"
