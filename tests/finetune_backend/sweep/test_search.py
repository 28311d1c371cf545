"""The search: the same proposals after a restart, hopeless trials, and what mattered."""

import pytest

from finetune_backend.sweep.search import BEFORE_IMPORTANCE, Search
from finetune_backend.sweep.space import Range
from finetune_backend.sweep.trials import (
    Epoch,
    Trial,
    best,
    nothing_held_out,
    read_trials,
    write_trials,
)

SPACE = {"learning_rate": Range(1e-4, 1e-2), "rank": Range(4, 64)}


def reach(recall, loss=1.0):
    return Epoch(loss=loss, recall=recall, validation_loss=loss)


def ended(number, params, recall, state="done"):
    return Trial(number, params, state, (reach(recall / 2), reach(recall)))


def made(count, recall_of):
    """Let a search make trials, and return them."""
    search, trials = Search(SPACE, [], seed=3), []
    for number in range(1, count + 1):
        params = search.begin(number)
        trials.append(ended(number, params, recall_of(params)))
        search.end(trials[-1])
    return search, trials


def test_proposals_stay_in_the_space_and_are_the_same_after_a_restart():
    search, trials = made(8, lambda params: params["rank"] / 64)
    for trial in trials:
        assert 1e-4 <= trial.params["learning_rate"] <= 1e-2
        assert trial.params["rank"] in range(4, 65)
    expected = search.begin(9)
    assert Search(SPACE, trials, seed=3).begin(9) == expected
    assert Search(SPACE, trials, seed=4).begin(9) != expected


def test_what_is_given_is_tried():
    search, given = Search(SPACE, [], seed=0), {"learning_rate": 1e-3, "rank": 16}
    assert search.begin(1, given) == given
    search.end(ended(1, given, 0.5))
    assert search.begin(2) != given


def test_a_trial_below_the_median_is_hopeless_once_there_are_enough():
    few = [ended(n, {"learning_rate": 1e-3, "rank": 4 * n}, 0.8) for n in (1, 2)]
    for trials, hopeless in ((few, False), ([*few, ended(3, few[0].params, 0.6)], True)):
        search = Search(SPACE, trials, seed=0)
        search.begin(len(trials) + 1)
        assert search.is_hopeless(1, reach(0.1).score) is hopeless
        assert search.is_hopeless(2, reach(0.9).score) is False


def test_what_mattered_needs_some_trials_that_differ():
    search, trials = made(BEFORE_IMPORTANCE - 1, lambda params: params["rank"] / 64)
    assert search.importances() == {}
    trials += [
        ended(n, {"learning_rate": n * 1e-3, "rank": n * 6}, n * 6 / 64) for n in range(5, 10)
    ]
    shares = Search(SPACE, trials, seed=3).importances()
    assert set(shares) == set(SPACE) and sum(shares.values()) == pytest.approx(1)
    alike = [ended(t.number, t.params, 0.5) for t in trials]
    assert Search(SPACE, alike, seed=3).importances() == {}


def test_trials_that_failed_or_were_stopped_do_not_stand_in_the_way():
    params = {"learning_rate": 1e-3, "rank": 8}
    trials = [
        Trial(1, params, "failed", message="The learning rate is too high."),
        Trial(2, params, "failed", (reach(0.1),)),
        Trial(3, params, "stopped"),
        Trial(4, params, "stopped", (reach(0.1),)),
        Trial(5, params, "pruned", (reach(0.1),)),
    ]
    search = Search(SPACE, trials, seed=0)
    for number, trial in enumerate(trials, start=6):
        search.begin(number)
        for place, epoch in enumerate(trial.epochs, start=1):
            search.is_hopeless(place, epoch.score)
        search.end(trial)
    assert best(trials) is None and search.importances() == {}


def test_recall_decides_and_then_the_loss():
    params = {"learning_rate": 1e-3, "rank": 8}
    one, two, three, four = (
        Trial(number, params, "done", (reach(recall, loss),))
        for number, recall, loss in (
            (1, 0.5, 0.1),
            (2, 0.501, 9.0),
            (3, 0.501, 8.0),
            (4, 0.501, 8.0),
        )
    )
    assert best([one, two]) == two and best([one, two, three, four]) == three
    pruned = Trial(5, params, "pruned", (reach(1.0),))
    assert best([pruned]) is None and best([pruned, one]) == one
    assert not nothing_held_out([one, two])
    unknown = Trial(6, params, "done", (Epoch(0.2, None, None),))
    assert nothing_held_out([unknown])
    assert unknown.score > Trial(7, params, "done", (Epoch(0.3, None, None),)).score


def test_trials_are_read_as_they_were_written(tmp_path):
    assert read_trials(tmp_path) == []
    trials = [ended(1, {"rank": 4}, 0.5), Trial(2, {"rank": 8}, "failed", message="No")]
    write_trials(tmp_path, trials)
    assert read_trials(tmp_path) == trials
