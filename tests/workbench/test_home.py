"""The home folder and its locks."""

import pytest

from workbench.errors import RagtuneError
from workbench.home import open_home


def test_a_lock_is_held_once_and_given_back(tmp_path):
    home = open_home(tmp_path / "home")
    with (
        home.lock("test", 0.1, "Busy."),
        pytest.raises(RagtuneError, match="Busy"),
        home.lock("test", 0.1, "Busy."),
    ):
        pytest.fail("the lock was given twice")
    with home.lock("test", 0.1, "Busy."):
        pass


def test_the_environment_names_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RAGTUNE_HOME", str(tmp_path / "there"))
    assert open_home().folder == tmp_path / "there"
    assert open_home(tmp_path / "here").folder == tmp_path / "here"
