"""Settings: what is chosen is checked, kept, and holds no secret."""

import pytest

from workbench.errors import RagtuneError
from workbench.home import open_home
from workbench.settings import (
    Settings,
    load_settings,
    prompt_versions,
    save_settings,
    split_writer,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("  ", ""),
        (" http://127.0.0.1:8000/v1/ ", "http://127.0.0.1:8000/v1"),
        ("https://models.example.com/v1", "https://models.example.com/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_a_server_is_a_plain_url(given, kept):
    assert Settings(server=given).server == kept


@pytest.mark.parametrize(
    "given",
    [
        *("127.0.0.1:8000", "ftp://127.0.0.1/v1", "http://", "http:///v1", "http://a b/v1"),
        *("http://[::1/v1", "http://host:port/v1", "http://host:99999/v1", "http://a..b/v1"),
        *("http://hôst/v1", "http://host/v1\n\tx"),
    ],
)
def test_another_server_is_refused(given):
    with pytest.raises(RagtuneError, match="http://HOST:PORT/v1 was expected"):
        Settings(server=given)


@pytest.mark.parametrize(
    "given",
    [
        "http://me:sk-secret@127.0.0.1/v1",
        "http://me:sk-#secret@127.0.0.1/v1",
        "https://host/v1?api-key=sk-secret",
        "http://[me:sk-secret@host/v1",
    ],
)
def test_a_secret_in_the_url_is_refused_and_not_repeated(given):
    with pytest.raises(RagtuneError, match="a key belongs into RAGTUNE_SERVER_KEY") as raised:
        Settings(server=given)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "name", "server"),
    [
        ("", "", ""),
        (" owner/model ", "owner/model", ""),
        ("/models/me@home", "/models/me@home", ""),
        (" qwen3:8b@http://127.0.0.1:1/v1/ ", "qwen3:8b", "http://127.0.0.1:1/v1"),
        ("me@home@https://host/v1", "me@home", "https://host/v1"),
    ],
)
def test_a_writer_is_a_model_here_or_on_a_server(given, name, server):
    kept = Settings(writer=given).writer
    assert split_writer(kept) == (name, server) and kept == kept.strip()


def test_a_writers_server_is_checked(monkeypatch, tmp_path):
    with pytest.raises(RagtuneError, match="belongs into RAGTUNE_WRITER_KEY") as raised:
        Settings(writer="model@http://me:sk-secret@host/v1")
    assert "secret" not in str(raised.value)
    monkeypatch.setenv("RAGTUNE_WRITER", "model@http://127.0.0.1:2/v1")
    assert load_settings(open_home(tmp_path)).writer == "model@http://127.0.0.1:2/v1"


def test_the_environment_replaces_model_and_server(tmp_path, monkeypatch):
    home = open_home(tmp_path)
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", "sk-secret")
    save_settings(home, Settings(model="here", server="http://127.0.0.1:1/v1"))
    assert load_settings(home).server == "http://127.0.0.1:1/v1"
    monkeypatch.setenv("RAGTUNE_SERVER", "http://127.0.0.1:2/v1")
    monkeypatch.setenv("RAGTUNE_MODEL", "there")
    chosen = load_settings(home)
    assert (chosen.model, chosen.server) == ("there", "http://127.0.0.1:2/v1")
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"sk-secret" in content for content in kept)


def test_every_saved_prompt_is_a_version(tmp_path):
    home = open_home(tmp_path)
    assert prompt_versions(home) == []
    save_settings(home, Settings())
    save_settings(home, Settings(retrieved=7))  # the same prompts
    changed = Settings(passage_prompt="{passages}\n{question}")
    save_settings(home, changed)
    first, second = prompt_versions(home)
    assert (first.number, first.passage_prompt) == (1, Settings().passage_prompt)
    assert (second.number, second.passage_prompt) == (2, "{passages}\n{question}")
    assert load_settings(home) == changed


def test_sizes_and_prompts_are_checked_when_they_are_chosen():
    with pytest.raises(RagtuneError, match="at most half as many"):
        Settings(passage_tokens=40, overlap_tokens=30)
    with pytest.raises(RagtuneError, match="once was expected"):
        Settings(passage_prompt="{question}")
