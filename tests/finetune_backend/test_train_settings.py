import re
from dataclasses import fields, replace

import pytest

from finetune_backend.presets import PRESETS, find_preset
from finetune_backend.settings import GROUPS, TrainSettings, fit_to_data
from workbench.errors import RagtuneError
from workbench.values import Example


def examples(facts, wordings):
    return [
        Example(f"Question {number} about {fact}?", f"Answer {fact}.", str(fact))
        for fact in range(facts)
        for number in range(wordings)
    ]


@pytest.mark.parametrize(
    ("facts", "wordings", "epochs", "batch_size"),
    [
        (30, 12, 4, 8),
        (1, 1, 40, 8),
        (77, 10, 4, 8),
        (250, 1, 40, 8),
        (1000, 2, 10, 16),
        (5000, 2, 10, 16),
        (1000, 60, 1, 16),
    ],
)
def test_the_data_decides_passes_and_batch_size(facts, wordings, epochs, batch_size):
    fitted = fit_to_data(TrainSettings(), examples(facts, wordings))
    assert (fitted.epochs, fitted.batch_size) == (epochs, batch_size)


def test_what_was_chosen_stays():
    chosen = TrainSettings(epochs=3, batch_size=5)
    assert fit_to_data(chosen, examples(30, 12)) == chosen
    assert fit_to_data(replace(chosen, epochs=0), examples(30, 12)).batch_size == 5


def test_every_setting_stands_under_one_heading():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(field.name for field in fields(TrainSettings))


def test_presets_are_settings():
    made = [TrainSettings(**preset.settings) for preset in PRESETS]
    assert made[0] == TrainSettings() and len(set(made)) == len(made)
    assert find_preset("reading").settings == {"raft": 0.5}
    with pytest.raises(RagtuneError, match=r"no preset 'slow'; one of facts, quick"):
        find_preset("slow")


def test_every_number_says_what_is_usual():
    for field in fields(TrainSettings):
        if field.metadata["low"] is not None and field.name != "seed":
            assert re.search(r"\d to \d|usually twice", field.metadata["meaning"]), field.name
