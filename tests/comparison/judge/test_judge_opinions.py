"""An evaluation is judged: by whom it may be, whole, killed and paused, and what comes of it."""

import csv
import io
import json
import os
import signal
import threading
import time
from datetime import date

import pytest
from answering_judges import measure, twenty_votes

import cli
from comparison.evaluation.kept import delete_evaluation, find_evaluation, judge_folders
from comparison.evaluation.rows import add_row, read_rows
from comparison.judge.agreement import agreement
from comparison.judge.judge import the_judge
from comparison.judge.kept import read_judgements
from comparison.judge.opinions import _preference, as_csv, opinions
from comparison.judge.pairs import left_to_judge, pairs_of
from comparison.judge.process import work
from comparison.judge.start import start_judging
from comparison.report.contents import make_report
from comparison.report.html import to_html
from workbench import jobs
from workbench.errors import RagtuneError


@pytest.fixture()
def evaluation(lab):
    """Three columns and three questions, that is nine pairs; the judge may judge them."""
    twenty_votes(lab)
    measure(lab)
    return find_evaluation(lab.home, "one")


@pytest.fixture()
def here(monkeypatch):
    """Lets what a job does be done in this process, which takes seconds less."""
    monkeypatch.setattr(jobs, "start", lambda folder, module: work(folder))


def wait(folder, done):
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, jobs.read(folder)
        time.sleep(0.02)


def ended(folder):
    wait(folder, lambda: not jobs.read(folder).active)
    return jobs.read(folder)


def test_one_that_has_not_earned_it_is_refused_everywhere_in_the_same_words(lab, capsys):
    twenty_votes(lab, against=range(0, 19, 2))
    measure(lab)
    evaluation, said = find_evaluation(lab.home, "one"), agreement(lab).missing
    assert "0.6 is needed" in said
    with pytest.raises(RagtuneError) as refused:
        start_judging(lab, evaluation)
    assert str(refused.value) == said
    assert cli.main(["--home", str(lab.home.folder), "judge", "one"]) == 1
    assert capsys.readouterr().err == f"ragtune: {said}\n"
    assert judge_folders(evaluation.folder) == [] and opinions(evaluation) == []


def test_killed_it_goes_on_and_ends_with_an_opinion(lab, evaluation, judge_server):
    judge, go_on = judge_server.engine, threading.Event()
    left, before = left_to_judge(evaluation, the_judge(lab)), len(judge.seen)
    assert 2 < left <= 9
    one = next(pair.case for pair in pairs_of(evaluation) if not pair.same)

    def only_the_first(count):
        if sorted(judge.seen[count - 1]["answers"].values()) != sorted(one.texts):
            go_on.wait(30)

    judge.before = only_the_first
    folder = start_judging(lab, evaluation)
    with pytest.raises(RagtuneError, match="A judge is at work already"):
        start_judging(lab, evaluation)
    with pytest.raises(RagtuneError, match="A judge is at work on 'one'. Pause it first"):
        delete_evaluation(evaluation)
    wait(folder, lambda: len(read_judgements(folder)) >= 1)
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    assert ended(folder).state == "interrupted"
    kept = read_judgements(folder)
    assert len(kept) == 1
    go_on.set()
    jobs.start(folder, "comparison.judge.process")
    assert ended(folder).state == "done", jobs.read(folder)
    assert read_judgements(folder).items() >= kept.items()
    assert len(judge.seen) - before >= 2 * left

    (found,) = opinions(evaluation)
    assert found.complete and found.pairs == 9 and not found.own
    assert [one.questions for one in found.preferences] == [3, 3, 3]
    assert found.notes[0].startswith("A model's opinion, not a measurement. The judge judge agrees")
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert len(lines) == 9 and all("'=1+1" in one["question"] for one in lines[3:6])
    report = to_html(make_report(lab, evaluation, date(2026, 11, 26)))
    assert "A model&#x27;s opinion" in report and "win share of the first" in report


def test_whole_questions_count_and_new_answers_are_judged_again(
    lab, evaluation, judge_server, here
):
    folder = start_judging(lab, evaluation)
    assert jobs.read(folder).state == "done", jobs.read(folder)
    assert left_to_judge(evaluation, the_judge(lab)) == 0
    row = dict(read_rows(evaluation.folder)[0])
    add_row(evaluation.folder, row | {"answer": "Something else than before."})
    assert left_to_judge(evaluation, the_judge(lab)) == 2  # beside the two other columns
    (found,) = opinions(evaluation)
    assert (found.judged, found.pairs, found.complete) == (6, 9, False)
    assert "6 of 9 pairs are judged so far." in found.notes
    seen = len(judge_server.engine.seen)
    work(folder)
    assert len(judge_server.engine.seen) == seen + 4
    assert opinions(evaluation)[0].complete


def test_another_judge_does_not_go_on_in_its_place(lab, evaluation, here, monkeypatch):
    folder = start_judging(lab, evaluation)
    assert opinions(evaluation)[0].complete
    monkeypatch.setenv("RAGTUNE_JUDGE", "other")
    work(folder)
    state = jobs.read(folder)
    assert state.state == "failed" and "name another judge since, other." in state.message
    with pytest.raises(RagtuneError, match="The judge other has judged 0 of 20 blind votes"):
        start_judging(lab, evaluation)
    assert len(opinions(evaluation)) == 1


def test_an_evaluation_that_is_not_complete_is_refused(lab, evaluation):
    file = evaluation.folder / "rows.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:4]))
    with pytest.raises(RagtuneError, match="'one' is not complete"):
        start_judging(lab, evaluation)


def test_wins_ties_and_what_was_not_decided_are_counted():
    said = ["rag"] * 12 + ["base"] * 3 + ["all good", "all bad", "the same words"]
    found = _preference("base", "rag", [*said, "not decided", "not decided"])
    assert (found.first, found.second, found.questions) == ("rag", "base", 20)
    assert (found.only_first, found.only_second, found.ties, found.undecided) == (12, 3, 3, 2)
    assert found.share.value == pytest.approx((12 + 2.5) / 20)
    assert 0.5 < found.share.low < found.share.value < found.share.high < 0.95
    always = _preference("base", "rag", ["rag"] * 10)
    assert always.share.value == 1.0 and always.share.low < 0.95
    assert always.sentence.startswith("rag beside base: win share 100% (")


def test_the_command_line_judges(lab, evaluation, here, capsys):
    def ragtune(*arguments):
        code = cli.main(["--home", str(lab.home.folder), *arguments])
        return code, *capsys.readouterr()

    code, out, err = ragtune("judge", "one", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["evaluation"] == "one" and told["agreement"]["votes"] == 20
    assert told["judged"] == told["pairs"] == len(told["rows"]) == 9
    assert len(told["preferences"]) == 3 and "win share" in told["preferences"][0]["sentence"]
