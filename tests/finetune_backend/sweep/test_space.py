"""What a sweep searches, and what can't be searched."""

import pytest

from finetune_backend.settings import TrainSettings
from finetune_backend.sweep.space import (
    Range,
    check_space,
    default_space,
    from_pairs,
    inside,
    settings_of,
)
from workbench.errors import RagtuneError

USUAL = TrainSettings(epochs=4)


def test_pairs_fix_or_search():
    fixed, space = from_pairs(USUAL, ["rank=4..8", "epochs=3", "dropout=0.1"])
    assert fixed == TrainSettings(epochs=3, dropout=0.1)
    assert space == {
        "learning_rate": Range(1e-4, 3e-3),
        "rank": Range(4, 8),
        "batch_size": Range(4, 16),
    }
    assert from_pairs(USUAL, []) == (TrainSettings(), default_space(USUAL))
    check_space(USUAL, default_space(USUAL))
    check_space(USUAL, default_space(TrainSettings(epochs=1)))


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("rank=four..8", "rank is 'four..8'; low..high was expected"),
        ("nothing=3", "no setting called nothing"),
        ("rank=many", "rank is 'many'; a whole number was expected"),
        ("rank", "key=value was expected"),
    ],
)
def test_pairs_that_say_nothing_are_refused(pair, said):
    with pytest.raises(RagtuneError, match=said):
        from_pairs(USUAL, [pair])


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "Every setting is fixed"),
        ({"dropout": Range(0, 0.5)}, "dropout can't be searched"),
        ({"nothing": Range(0, 1)}, "nothing can't be searched"),
        ({"rank": Range(8, 4)}, "from 8 to 4; the first number was expected to be smaller"),
        ({"rank": Range(8, 8)}, "from 8 to 8"),
        ({"rank": Range(4.5, 8)}, "rank is 4.5; a whole number was expected"),
        ({"rank": Range(0, 8)}, "rank is 0; a whole number from 1 to 512"),
        ({"epochs": Range(0, 8)}, "from 0; at least 1"),
        ({"learning_rate": Range(0.0, 1.0)}, "learning_rate is 0; a number from 1e-07"),
        ({"learning_rate": Range(1e-4, float("nan"))}, "from 0.0001 to nan"),
        ({"learning_rate": Range(1e-4, float("inf"))}, "learning_rate is inf"),
        ({"rank": Range(4, float("inf"))}, "rank is inf"),
    ],
)
def test_spaces_that_cannot_be_searched_are_refused(space, said):
    with pytest.raises(RagtuneError, match=said):
        check_space(USUAL, space)


def test_alpha_goes_with_the_rank():
    made = settings_of(USUAL, {"rank": 4.0, "learning_rate": 1e-3})
    assert (made.rank, made.alpha, made.epochs) == (4, 8, 4)
    assert settings_of(USUAL, {"rank": 512}).alpha == 1024
    assert settings_of(USUAL, {"batch_size": 2}).alpha == USUAL.alpha


def test_the_nearest_point_is_inside():
    space = {"rank": Range(32, 64), "learning_rate": Range(1e-5, 1e-4), "epochs": Range(2, 8)}
    assert inside(USUAL, space) == {"rank": 32, "learning_rate": 1e-4, "epochs": 4}
