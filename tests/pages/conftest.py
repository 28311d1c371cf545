"""What the tests of pages share: the app in an empty home, with the tiny model."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture()
def app(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("RAGTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))
    monkeypatch.setenv("RAGTUNE_ENGINE", "transformers")  # nothing is converted meanwhile
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    yield app
    st.cache_resource.clear()
