"""Settings refuse what they don't understand."""

import pytest

from finetune_backend.settings import TrainSettings, fit_to_data
from workbench.errors import RagtuneError
from workbench.home import open_home
from workbench.settings import Settings, from_mapping, from_text, load_settings, save_settings
from workbench.values import Example


def test_settings_survive_a_restart(tmp_path):
    home = open_home(tmp_path)
    save_settings(home, Settings(read=3, min_score=0.1))
    assert load_settings(home) == Settings(read=3, min_score=0.1)


def test_the_environment_names_the_model(tmp_path, monkeypatch):
    monkeypatch.setenv("RAGTUNE_MODEL", "/some/folder")
    assert load_settings(open_home(tmp_path)).model == "/some/folder"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reed": 3}, "no setting called reed"),
        ({"read": 0}, "from 1 to 50"),
        ({"read": "3"}, "whole number"),
        ({"read": True}, "whole number"),
        ({"read": 9}, "only 5 passages are retrieved"),
        ({"model": " "}, "model is empty"),
        ({"min_score": 2.0}, "from -1 to 1"),
    ],
)
def test_bad_settings_are_refused_with_a_sentence(values, said):
    with pytest.raises(RagtuneError, match=said):
        from_mapping(Settings, values)


def test_command_line_texts_become_numbers():
    settings = from_text(TrainSettings, ["epochs=3", "learning_rate=2e-4"])
    assert (settings.epochs, settings.learning_rate) == (3, 2e-4)


@pytest.mark.parametrize("pair", ["epochs", "epochs=many", "epocs=3", "epochs=-1"])
def test_bad_command_line_texts_are_refused(pair):
    with pytest.raises(RagtuneError):
        from_text(TrainSettings, [pair])


def test_a_damaged_settings_file_is_named(tmp_path):
    home = open_home(tmp_path)
    home.settings.write_text("{", encoding="utf-8")
    with pytest.raises(RagtuneError, match="settings.json is damaged"):
        load_settings(home)


@pytest.mark.parametrize("wordings", [1, 2, 8, 40, 100])
def test_fewer_wordings_get_more_epochs(wordings):
    examples = [Example(f"q{n}", "a", "fact") for n in range(wordings)]
    epochs = fit_to_data(TrainSettings(), examples).epochs
    assert 1 <= epochs <= 40
    assert epochs * wordings >= 32 or epochs == 40


def test_a_home_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "home").write_text("x", encoding="utf-8")
    with pytest.raises(RagtuneError, match="is a file"):
        open_home(tmp_path / "home")
