"""A judge is held against votes: κ, how many, what goes stale, and when it may judge."""

import dataclasses
import json

import numpy as np
import pytest
from answering_judges import RuleJudge, first, measure, twenty_votes, vote

import cli
from comparison.judge import judge as judge_module
from comparison.judge.agreement import LEAST_KAPPA, LEAST_VOTES, agreement, check_may_judge
from comparison.judge.judge import the_judge
from comparison.judge.kept import votes_folder
from comparison.judge.start import start_measuring
from comparison.statistics.kappa import kappa, kappa_interval
from comparison.votes import delete_vote
from workbench import jobs
from workbench.errors import RagtuneError


def test_without_votes_there_is_nothing_to_be_held_against(lab):
    with pytest.raises(RagtuneError, match="no votes yet.*Vote on page Ask"):
        start_measuring(lab)
    assert "judged 0 of 0 blind votes; 20 are needed" in agreement(lab).missing


def test_a_judge_that_agrees_may_judge_and_one_that_does_not_may_not(lab, judge_server):
    twenty_votes(lab)
    assert measure(lab).state == "done"
    found = check_may_judge(lab)
    assert (found.votes, found.judged, found.kappa.value, found.flipped) == (20, 20, 1.0, 0)
    assert found.kappa.low < 0.95
    assert found.sentence.startswith("The judge judge agrees with 20 votes at κ 1.00 (95 % int")
    assert found.missing == found.biases == ""

    judge_server.engine = RuleJudge(first)
    lab.change_settings(dataclasses.replace(lab.settings, judge="other"))
    assert agreement(lab).judged == 0  # another model has not earned it
    assert measure(lab).state == "done"
    found = agreement(lab)
    assert (found.flipped, found.first_shown) == (20, 20) and found.kappa.value == 0.0
    assert found.missing.startswith("The judge other agrees with 20 votes at κ 0.00 (95 %")
    assert found.missing.endswith("0.6 is needed before it may judge.")
    assert "opposite order for 20 votes, and named whichever stood first in 20" in found.biases
    with pytest.raises(RagtuneError, match="0.6 is needed"):
        check_may_judge(lab)


def test_only_what_is_new_is_judged_and_another_prompt_is_another_judge(
    lab, judge_server, monkeypatch
):
    twenty_votes(lab)
    measure(lab)
    assert len(judge_server.engine.seen) == 40  # both orders
    extra = vote(lab, 100, against=True)
    assert (agreement(lab).judged, agreement(lab).waiting) == (20, 1)
    measure(lab)
    assert len(judge_server.engine.seen) == 42
    assert 0.6 < agreement(lab).kappa.value < 1.0
    delete_vote(lab.database, extra)
    assert agreement(lab).kappa.value == 1.0
    monkeypatch.setattr(judge_module, "PROMPT_SHA256", "another")
    assert agreement(lab).judged == 0


def test_it_is_shown_what_exams_accept_and_no_names(lab, judge_server):
    exams = lab.home.folder / "exams"
    exams.mkdir()
    row = {"question": "question  1?", "answers": ["Nora"]}
    (exams / "mine.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (exams / "broken.jsonl").write_text("{", encoding="utf-8")
    vote(lab, 1)
    vote(lab, 2)
    measure(lab)
    by_question = {one["question"]: one for one in judge_server.engine.seen}
    assert by_question["Question 1?"]["accepted"] == ["Nora"]
    assert set(by_question["Question 2?"]) == {"question", "answers"}
    orders = [list(one["answers"].values()) for one in judge_server.engine.seen]
    assert orders[0] == orders[1][::-1]
    sent = json.dumps([body for _, _, body in judge_server.requests])
    assert "rag" not in sent.lower().replace("ragtune", "")


def test_a_judge_that_fails_halfway_keeps_what_it_said(lab, judge_server):
    twenty_votes(lab)

    def break_down(count):
        if count == 25:
            judge_server.fault = 503

    judge_server.engine.before = break_down
    state = measure(lab)
    assert state.state == "failed"
    kept = agreement(lab).judged
    assert 5 <= kept < 20
    assert state.message.startswith(f"The judge stopped after {kept} of 20, which are kept: ")
    assert "503" in state.message and state.message.endswith("it can go on.")
    judge_server.fault, before = None, len(judge_server.engine.seen)
    assert measure(lab).state == "done"
    assert len(judge_server.engine.seen) - before == 2 * (20 - kept)
    assert agreement(lab).kappa.value == 1.0


def test_paused_it_goes_on_with_what_is_left(lab, judge_server):
    twenty_votes(lab)
    folder = votes_folder(lab.home, the_judge(lab))

    def pause_soon(count):
        if count == 20:
            jobs.pause(folder)

    judge_server.engine.before = pause_soon
    assert measure(lab).state == "paused" and 10 <= agreement(lab).judged < 20
    (folder / "pause").unlink()  # as `jobs.start` does
    assert measure(lab).state == "done" and agreement(lab).judged == 20
    assert len(judge_server.engine.seen) == 40  # what was under way was kept


def test_a_damaged_line_is_named_and_half_a_line_is_judged_again(lab):
    twenty_votes(lab)
    measure(lab)
    file = votes_folder(lab.home, the_judge(lab)) / "judgements.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert agreement(lab).judged == 19
    assert measure(lab).state == "done" and agreement(lab).judged == 20
    file.write_bytes(b"[]\n" + whole)
    with pytest.raises(RagtuneError, match="Line 1 of .*judgements.jsonl is damaged"):
        agreement(lab)


def test_the_interval_of_kappa():
    first_says = ["yes"] * 25 + ["no"] * 25
    second_says = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = kappa_interval(first_says, second_says)
    # Beside the large-sample standard error of Fleiss, Cohen and Everitt 1969, 0.127.
    assert found.value == pytest.approx(0.4)
    assert (found.low, found.high) == pytest.approx((0.4 - 0.25, 0.4 + 0.25), abs=0.03)
    whole = kappa_interval("abab" * 5, "abab" * 5)
    assert (whole.value, whole.high) == (1.0, 1.0) and whole.low < 0.9
    never = kappa_interval("abab" * 5, "cccc" * 5)
    assert (never.value, never.low) == (0.0, 0.0) and 0.05 < never.high < 0.3
    assert kappa_interval([], []) is None and kappa_interval("aa", "aa") is None


def test_the_least_number_of_votes_is_where_chance_seldom_suffices():
    draw = np.random.default_rng(0)

    def passes(votes, agrees=0.3, kinds=3, tries=4000):
        said = draw.integers(0, kinds, (tries, votes))
        other = np.where(
            draw.random((tries, votes)) < agrees, said, draw.integers(0, kinds, said.shape)
        )
        found = [kappa(*pair) for pair in zip(said.tolist(), other.tolist(), strict=True)]
        return np.mean([one is not None and round(one, 2) >= LEAST_KAPPA for one in found])

    assert passes(LEAST_VOTES) < 0.05 < passes(LEAST_VOTES // 2)


def test_the_command_line_measures_it(lab, capsys):
    def ragtune(*arguments):
        code = cli.main(["--home", str(lab.home.folder), *arguments])
        return code, *capsys.readouterr()

    code, out, err = ragtune("judge")
    assert (code, out) == (1, "") and "There are no votes yet" in err
    twenty_votes(lab)
    measure(lab)
    code, out, _ = ragtune("judge", "--json")
    told = json.loads(out)
    assert code == 0 and told["may_judge"] and told["kappa"]["value"] == 1.0
    assert ragtune("judge")[1] == agreement(lab).sentence + "\n"
