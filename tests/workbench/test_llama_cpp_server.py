"""llama.cpp's own server, over a real socket, with the bundled model's GGUF."""

import json
import time
import urllib.request

import pytest

from workbench.errors import RagtuneError
from workbench.language_models import bundled
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.server_engine import ServerEngine

QUESTION = [{"role": "user", "content": "Repeat after me: The kite is red."}]
STORY = [{"role": "user", "content": "Write a long story about a kite."}]


@pytest.fixture(scope="module")
def url():
    xllamacpp = pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    params = xllamacpp.CommonParams()
    params.model.path = str(bundled._packaged_gguf())
    params.model_alias = {"smollm2"}
    params.n_ctx = 1024
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = params.ui = False
    params.endpoint_slots = True
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture()
def engine(url):
    return ServerEngine(find_checkpoint("smollm2", url))


def busy(url):
    with urllib.request.urlopen(url.removesuffix("/v1") + "/slots", timeout=5) as answer:
        return json.load(answer)[0]["is_processing"]


def test_it_answers_in_pieces_and_counts_tokens(engine):
    engine.check()
    assert engine.models() == ["smollm2"] and engine.adapters() == []
    pieces = list(engine.stream(QUESTION, max_new_tokens=16))
    again = list(engine.stream(QUESTION, max_new_tokens=16))
    text = "".join(piece.text for piece in pieces)
    assert "kite" in text.lower() and text == "".join(piece.text for piece in again)
    assert sum(bool(piece.text) for piece in pieces) >= 3
    assert 20 < pieces[-1].prompt_tokens < 60
    assert 3 <= pieces[-1].completion_tokens <= 16


def test_stop_frees_the_server_within_a_second(engine, url):
    stream = engine.stream(STORY, max_new_tokens=900)
    for _ in range(3):
        next(stream)
    assert busy(url)
    stream.close()
    deadline = time.monotonic() + 1
    while busy(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not busy(url)


def test_a_question_without_room_is_one_sentence(engine):
    long = [{"role": "user", "content": "kite " * 2000}]
    with pytest.raises(RagtuneError, match="too long for smollm2") as raised:
        list(engine.stream(long, max_new_tokens=16))
    assert "let fewer passages be read" in str(raised.value)


def test_a_model_that_it_would_not_refuse_is_refused(url):
    """It answers under any name with the one model that it has."""
    with pytest.raises(RagtuneError, match="no model 'nonesuch'. It offers: smollm2"):
        ServerEngine(find_checkpoint("nonesuch", url)).check()
