"""The pages with a model on a server: its settings, its columns, its failures."""

import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent.parent
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture()
def app(tmp_path, openai_server, monkeypatch):
    monkeypatch.setenv("RAGTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", "sk-secret")
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    yield at(app, "pages/setup/settings.py")
    assert "sk-secret" not in words(app)
    files = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert files and not any(b"sk-secret" in file.read_bytes() for file in files)
    st.cache_resource.clear()


def at(app, script):
    app.switch_page(script).run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def enter(app, model, server):
    app.text_input[0].set_value(model)
    app.text_input[1].set_value(server)


def save(app, model, server):
    enter(app, model, server)
    press(app, "Save")
    assert app.toast[0].value == "Saved"


def test_the_connection_is_checked_and_nothing_typed_is_lost(app, openai_server):
    enter(app, "tiny", openai_server.url)
    press(app, "Check the connection")
    assert "offers 2 models" in app.success[0].value
    enter(app, "nonesuch", openai_server.url)
    press(app, "Check the connection")
    assert "no model" in words(app) and "tiny, tiny-tuned" in words(app)
    enter(app, "tiny", NOWHERE)
    press(app, "Check the connection")
    assert "can't be reached" in words(app)
    assert app.subheader[-1].value == "Prompts"  # the rest of the page is there
    enter(app, "tiny", "http://me:pass@127.0.0.1/v1")
    press(app, "Check the connection")
    assert "more than an address" in words(app)
    assert app.text_input[1].value == "http://me:pass@127.0.0.1/v1"
    assert app.text_input[0].value == "tiny"
    enter(app, "tiny", "")
    press(app, "Check the connection")
    assert "on this machine" in app.info[0].value
    assert app.text_input[3].label == "Writer"
    app.text_input[3].set_value(f"tiny@{openai_server.url}")
    press(app, "Check the connection")
    assert "The writer's server answers and offers 2 models" in app.success[0].value


def test_a_server_that_is_not_up_is_kept_and_every_column_says_so(app):
    save(app, "tiny", NOWHERE)
    at(app, "pages/comparing/ask.py")
    assert [info.value.count("can't be reached") for info in app.info] == [1, 1, 1, 1]
    app.text_input[0].set_value("Who?")
    press(app, "Ask")
    assert app.text_input[0].value == "Who?"


def test_a_silent_server_does_not_hold_a_page(app, openai_server):
    openai_server.fault = "hang"
    save(app, "tiny", openai_server.url)
    started = time.monotonic()
    at(app, "pages/comparing/ask.py")
    assert time.monotonic() - started < 5
    assert "sent nothing for 2.5 seconds" in app.info[0].value.replace("\\", "")


def test_four_columns_from_a_server(app, openai_server, handbook):
    from pages.shared.lab import get_lab

    save(app, "tiny", openai_server.url)
    get_lab().knowledge_base.add(handbook)
    at(app, "pages/comparing/ask.py")
    app.text_input[0].set_value("When does the workshop close?")
    press(app, "Ask")
    assert words(app).count("Adapter: tiny-tuned") == 2
    assert "Equal conditions" in words(app)


def test_the_adapter_is_chosen_among_several(app, openai_server):
    openai_server.adapters["other"] = None
    save(app, "tiny", openai_server.url)
    at(app, "pages/comparing/ask.py")
    assert app.selectbox[0].value is None
    assert "Choose the adapter among them" in words(app)
    app.selectbox[0].select("other")
    app.text_input[0].set_value("Who?")
    press(app, "Ask")
    assert words(app).count("Adapter: other") == 1


def test_two_adapters_stand_beside_each_other(app, openai_server):
    openai_server.adapters["other"] = None
    save(app, "tiny", openai_server.url)
    at(app, "pages/comparing/ask.py")
    chosen = ["finetuned · other", "finetuned · tiny-tuned", "finetuned"]
    app.multiselect(key="columns").set_value(chosen)
    app.selectbox[0].select("other")
    app.text_input[0].set_value("Who?")
    press(app, "Ask")
    assert words(app).count("Adapter: other") == words(app).count("Adapter: tiny-tuned") == 1
    assert "Equal conditions" in words(app)


def test_a_failure_while_answering_is_one_sentence(app, openai_server):
    save(app, "tiny", openai_server.url)
    at(app, "pages/comparing/ask.py")
    openai_server.fault = "cut"
    app.text_input[0].set_value("Who?")
    press(app, "Ask")
    assert "in the middle of tiny's answer" in words(app)


def test_a_fine_tune_needs_a_model_here(app, openai_server):
    save(app, "tiny", openai_server.url)
    at(app, "pages/finetuning/finetune.py")
    assert "A fine-tune needs a model on this machine" in words(app)
    at(app, "pages/start/home.py")
    press(app, "Try the sample")
    assert "A fine-tune needs a model on this machine" in words(app)
