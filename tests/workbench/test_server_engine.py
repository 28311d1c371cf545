"""An engine over HTTP: it answers, counts, stops, and says in one sentence what went wrong."""

import gc
import socket
import time
import traceback

import pytest

from workbench.errors import RagtuneError
from workbench.language_models import server_engine
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.server_engine import ServerEngine

QUESTION = [{"role": "user", "content": "Who?"}]
KEY = "sk-very-secret-4711"


def connect(server, model="tiny"):
    url = server if isinstance(server, str) else server.url
    return ServerEngine(find_checkpoint(model, url))


def ask(engine, **options):
    options.setdefault("max_new_tokens", 8)
    return list(engine.stream(QUESTION, **options))


def failure(work):
    """Return the one sentence, after a look for the key in all that could be printed."""
    with pytest.raises(RagtuneError) as raised:
        work()
    told = "".join(traceback.format_exception(raised.value))
    assert KEY not in told and KEY not in repr(raised.value)
    text = str(raised.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_the_answer_is_the_models_in_several_pieces(openai_server, tiny_engine):
    here, there = ask(tiny_engine), ask(connect(openai_server))
    assert "".join(piece.text for piece in there) == "".join(piece.text for piece in here)
    assert sum(bool(piece.text) for piece in there) >= 3
    counts = (there[-1].prompt_tokens, there[-1].completion_tokens)
    assert counts == (here[-1].prompt_tokens, 8)
    _, _, body = openai_server.requests[-1]
    assert (body["temperature"], body["max_tokens"], body["stream"]) == (0, 8, True)


def test_an_adapter_is_another_model_of_the_server(openai_server, tiny_engine, tiny_adapter):
    engine = connect(openai_server)
    engine.prepare("tiny-tuned")
    here = ask(tiny_engine, adapter=str(tiny_adapter))
    there = ask(engine, adapter="tiny-tuned")
    assert [piece.text for piece in there if piece.text] == [p.text for p in here if p.text]
    assert [piece.text for piece in there] != [piece.text for piece in ask(engine)]
    assert engine.adapters() == ["tiny-tuned"]


def test_without_usage_every_piece_counts_as_a_token(openai_server):
    openai_server.fault = "no usage"
    pieces = ask(connect(openai_server))
    assert pieces[-1].prompt_tokens == 0
    assert pieces[-1].completion_tokens == sum(bool(piece.text) for piece in pieces)


def test_a_server_that_refuses_stream_options_is_asked_without(openai_server):
    openai_server.fault = "no stream_options"
    engine = connect(openai_server)
    assert ask(engine) and ask(engine)
    assert openai_server.count("/chat/completions") == 3


def test_closing_the_stream_frees_the_server(openai_server):
    stream = connect(openai_server).stream(QUESTION, max_new_tokens=1500)
    next(stream)
    assert openai_server.busy == 1
    stream.close()
    assert openai_server.free_within(1)


def test_the_list_of_models_is_asked_for_once_in_a_while(openai_server):
    engine = connect(openai_server)
    for _ in range(5):
        engine.check()
        engine.adapters()
    assert openai_server.count("/models") == 1


def test_names_that_mean_the_same_model(openai_server):
    openai_server.adapters["llama3.2:latest"] = None
    connect(openai_server, "llama3.2").check()
    assert "llama3.2:latest" not in connect(openai_server, "llama3.2").adapters()


def test_the_key_goes_to_the_server_and_nowhere_else(openai_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody-else")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: of-somebody-else")
    assert ask(connect(openai_server))
    _, headers, _ = openai_server.requests[-1]
    assert "Authorization" not in headers
    assert not any("somebody-else" in value for value in headers.values())
    assert not any(name.lower().startswith("x-") for name in headers)
    openai_server.key = KEY
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", KEY)
    engine = connect(openai_server)
    assert ask(engine)
    assert openai_server.requests[-1][1]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(vars(engine))


def test_a_missing_and_a_refused_key(openai_server, monkeypatch):
    openai_server.key = KEY
    engine = connect(openai_server)
    said = failure(lambda: ask(engine))
    assert "wants a key (status 401). Set RAGTUNE_SERVER_KEY" in said
    wrong = "sk-wrong"
    openai_server.words = f"Incorrect API key provided: {wrong}"
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", wrong)
    said = failure(lambda: ask(engine))
    assert "refused the key in RAGTUNE_SERVER_KEY" in said and wrong not in said
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", "sk\x7fodd")
    assert "character that no key has" in failure(lambda: ask(engine))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (302, "sends requests elsewhere (status 302)"),
        (400, "refused the request (status 400): no …, sorry."),
        (403, "refused the key in RAGTUNE_SERVER_KEY"),
        (404, "no OpenAI-compatible server at"),
        (429, "too many requests (status 429). Ask again later."),
        (500, "failed (status 500): no …, sorry."),
        (503, "failed (status 503)"),
        ("html", "does not speak OpenAI's protocol: a stream was expected, but text/html came"),
        ("json", "a stream was expected, but application/json came"),
        ("malformed", "does not speak OpenAI's protocol: it sent broken JSON"),
        ("foreign", "a part of the answer can't be read"),
        ("error", "gave up in the middle of the answer: no …, sorry."),
        ("cut", "closed the connection in the middle of tiny's answer, after 2 pieces"),
        ("reset", "closed the connection before the answer was complete"),
        ("empty", "tiny on http://127.0.0.1"),
    ],
)
def test_a_failure_is_one_sentence_without_the_key(openai_server, monkeypatch, fault, said):
    monkeypatch.setenv("RAGTUNE_SERVER_KEY", KEY)
    openai_server.fault, openai_server.words = fault, f"no {KEY}, sorry"
    told = failure(lambda: ask(connect(openai_server)))
    assert said in told
    assert openai_server.url in told
    # Nothing was tried again in secret.
    assert openai_server.count("/chat/completions") == 1


def test_it_says_when_to_ask_again(openai_server):
    openai_server.fault, openai_server.retry_after = 429, "17"
    assert "Ask again in 17 seconds." in failure(lambda: ask(connect(openai_server)))


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 2048 tokens. However, you requested 4032.",
        "request (4032 tokens) exceeds the available context size (2048 tokens)",
    ],
)
def test_a_question_that_is_too_long(openai_server, words):
    openai_server.fault, openai_server.words = 400, words
    told = failure(lambda: ask(connect(openai_server)))
    assert told.startswith("The question and its passages are too long for tiny on http://")
    assert "let fewer passages be read" in told


def test_an_unknown_model_says_what_there_is(openai_server):
    engine = connect(openai_server, "nonesuch")
    for work in (engine.check, lambda: ask(engine), lambda: engine.prepare("nonesuch")):
        assert "no model 'nonesuch'. It offers: tiny, tiny-tuned." in failure(work)
    openai_server.adapters.update({f"model-{number}": None for number in range(20)})
    assert "model-5 and 14 more." in failure(connect(openai_server, "nonesuch").check)


def test_silence_has_a_bound(openai_server, monkeypatch):
    monkeypatch.setattr(server_engine, "READ_SECONDS", 0.5)
    monkeypatch.setattr(server_engine, "_LIST_SECONDS", 0.5)
    openai_server.fault = "hang"
    engine, started = connect(openai_server), time.monotonic()
    assert "sent nothing for 0.5 seconds" in failure(lambda: ask(engine))
    assert "sent nothing for 0.5 seconds" in failure(engine.check)
    assert "sent nothing for 0.5 seconds" in failure(engine.check)  # told from memory
    assert time.monotonic() - started < 3
    assert openai_server.count("/models") == 1


def test_a_server_that_is_not_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        engine = connect(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        for work in (lambda: ask(engine), engine.check):
            told = failure(work)
            assert "can't be reached" in told and "refused" in told and "Start it" in told
    assert "can't be reached" in failure(connect("http://no-such-host.invalid/v1").check)


def test_a_server_that_takes_no_call(monkeypatch):
    monkeypatch.setattr(server_engine, "CONNECT_SECONDS", 0.5)
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())  # nobody takes it: the queue is full now
        engine, started = connect(f"http://127.0.0.1:{full.getsockname()[1]}/v1"), time.monotonic()
        assert "no reply within 0.5 seconds" in failure(lambda: ask(engine))
        assert time.monotonic() - started < 4  # most of it is the library's first import


def test_a_server_of_another_kind(openai_server):
    openai_server.fault = "html"
    assert "its list of models can't be read" in failure(connect(openai_server).check)
    openai_server.fault = None
    assert "status 404" in failure(connect(openai_server.url.replace("/v1", "/v2")).check)


def test_its_connections_are_closed_with_it(openai_server):
    engine = connect(openai_server)
    engine.check()
    client = engine._client._client
    del engine
    gc.collect()
    assert client.is_closed
