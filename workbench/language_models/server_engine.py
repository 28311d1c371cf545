"""An engine elsewhere: any server that speaks OpenAI's chat completions, over HTTP.

vLLM, Ollama, llama.cpp's server and most clouds do.
"""

import contextlib
import json
import os
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.errors import RagtuneError
from workbench.language_models.engine import Piece
from workbench.language_models.likelihood import Likelihood
from workbench.language_models.loading import Checkpoint
from workbench.language_models.server_errors import Failures, NotTheProtocol
from workbench.settings import key_variable

if TYPE_CHECKING:
    from openai import OpenAI

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
"""The longest silence: before the first token, and between two of them."""
_LIST_SECONDS = CONNECT_SECONDS / 2  # to connect, and again to answer: together no longer
_LIST_KEPT_SECONDS = 10.0
_FAILURE_KEPT_SECONDS = 3.0
_HEADERS = {"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class _Offer:
    """One model of the server's list."""

    name: str
    aliases: tuple[str, ...]
    """Other names of the same weights (llama.cpp)."""
    parent: str | None
    """The model that it is a LoRA adapter of, where the server says so (vLLM)."""


class ServerEngine:
    """Asks a server's model; an adapter is the name of another model on the same server.

    Nothing is tried twice, so that no answer's time hides a failure; there is one
    exception: a server that refuses ``stream_options`` is asked once more without, and
    from then on always without.

    The server decides how the conversation becomes a prompt and in which precision it
    computes. Its own queue can't be seen from here: ``queue_ms`` is 0 and the wait is part
    of the first token's time. As long as it sends nothing, no piece comes either, and the
    place of somebody who stops reading is freed with its next word. Token counts are the
    server's. Where it doesn't tell them, every piece that it sent counts as one token, and
    the prompt's count is 0.
    """

    name = "server"
    precision = "as served"
    room: int | None = None
    no_likelihoods = "a server answers, and doesn't say how likely a text is that it did not write"
    together = 8  # no more of one question's methods than this: the others' turn comes too

    def __init__(self, checkpoint: Checkpoint, setting: str = "server") -> None:
        """Connect to nothing yet.

        Args:
            checkpoint: a server's.
            setting: that names the server. Its key is in the environment variable of this name.
        """
        self.checkpoint, self._setting = checkpoint, setting
        self._failures = Failures(checkpoint.server, setting)
        self._client: OpenAI | None = None
        self._asks_for_usage = True
        self._listed: list[_Offer] | RagtuneError | None = None
        self._listed_until = 0.0
        self._lock = threading.Lock()

    def models(self) -> list[str]:
        """Return the names of the server's models, as it lists them.

        The list, or the failure to get it, is kept for a few seconds.

        Raises:
            RagtuneError: the server can't be reached or doesn't answer as expected.
        """
        return [offer.name for offer in self._offers()]

    def adapters(self) -> list[str]:
        """Return the models that can be this one's adapters: all others on the server.

        Where the server says whose adapter a model is, those of other models are left out.
        """
        mine = self._named(self.checkpoint.name)
        own = (mine.name, *mine.aliases)
        return [
            offer.name
            for offer in self._offers()
            if offer != mine and (offer.parent is None or offer.parent in own)
        ]

    def check(self) -> None:
        """Make sure that the server is up and has the model.

        Some servers answer with whatever model they have, whichever is asked for; so it is
        looked up in their list.

        Raises:
            RagtuneError: the server can't be reached or has no model of this name.
        """
        self._named(self.checkpoint.name)

    def waiting(self) -> int:
        """Return 0: the server's own line can't be seen from here."""
        return 0

    def describe(self) -> str:
        """See `Engine.describe`."""
        return f"The server {self.checkpoint.server} answers."

    def prepare(self, adapter: str) -> None:
        """Make sure that the server has the adapter; see `Engine.prepare`."""
        self._named(adapter)

    def count_tokens(self, messages: Sequence[dict[str, str]]) -> None:
        """Return nothing: only the server knows its tokens."""

    def stream(
        self,
        messages: Sequence[dict[str, str]],
        *,
        adapter: str | None = None,
        max_new_tokens: int,
    ) -> Iterator[Piece]:
        """Answer a conversation; see `Engine.stream`.

        Closing the iterator closes the connection, which tells the server to stop.
        """
        model = adapter or self.checkpoint.name
        prompt_tokens, pieces, written, ended = 0, 0, False, False
        with (
            self._failures.told(model, self._names_if_up),
            contextlib.closing(self._open(model, list(messages), max_new_tokens)) as response,
        ):
            for chunk in response:
                text, finished, usage = _read(chunk)
                ended = ended or finished
                if text:
                    pieces, written = pieces + 1, True
                    yield Piece(text, 0.0, prompt_tokens, pieces)
                if usage:
                    prompt_tokens, pieces = usage
        if not ended:
            raise self._failures.broken_off(model, pieces)
        if not written:
            raise self._failures.empty(model, max_new_tokens)
        yield Piece("", 0.0, prompt_tokens, pieces)

    def likelihoods(
        self,
        messages: Sequence[dict[str, str]],
        texts: Sequence[str],
        *,
        adapter: str | None = None,
    ) -> list[Likelihood]:
        """Refuse: the protocol has no way to ask for it; see `Engine.likelihoods`."""
        raise RagtuneError(f"Texts can't be weighed: {self.no_likelihoods}.")

    def _open(self, model: str, messages: list[Any], max_new_tokens: int) -> Any:
        from openai import BadRequestError, UnprocessableEntityError

        options: dict[str, Any] = {
            "model": model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": max_new_tokens,
            "stream": True,
        }
        create = self._connected().chat.completions.create
        response = None
        if self._asks_for_usage:
            try:
                response = create(**options, stream_options={"include_usage": True})
            except (BadRequestError, UnprocessableEntityError) as error:
                if "stream_options" not in error.response.text:
                    raise
                self._asks_for_usage = False
        if response is None:
            response = create(**options)
        kind = response.response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            response.close()
            raise NotTheProtocol(f"a stream was expected, but {kind or 'something else'} came")
        return response

    def _named(self, name: str) -> _Offer:
        for offer in self._offers():
            # Ollama's names end in a tag, which may be left out where it is the default.
            if name in (offer.name, offer.name.removesuffix(":latest"), *offer.aliases):
                return offer
        raise self._failures.no_model(name, self.models())

    def _names_if_up(self) -> list[str]:
        with contextlib.suppress(RagtuneError):  # the failure that led here is the one to tell
            return self.models()
        return []

    def _offers(self) -> list[_Offer]:
        with self._lock:
            if time.monotonic() > self._listed_until:
                try:
                    self._listed, kept = self._list(), _LIST_KEPT_SECONDS
                except RagtuneError as error:
                    self._listed, kept = error, _FAILURE_KEPT_SECONDS
                self._listed_until = time.monotonic() + kept
            if isinstance(self._listed, RagtuneError):
                raise RagtuneError(str(self._listed))
            return self._listed or []

    def _list(self) -> list[_Offer]:
        from httpx2 import Response

        with self._failures.told():
            # The answer as it came: the client takes a page of HTML for a list.
            answer = self._connected().get(
                "/models", cast_to=Response, options={"timeout": _LIST_SECONDS}
            )
            try:
                return [
                    _Offer(str(row["id"]), tuple(row.get("aliases") or ()), row.get("parent"))
                    for row in json.loads(answer.text)["data"]
                ]
            except (ValueError, KeyError, TypeError, AttributeError):
                raise NotTheProtocol("its list of models can't be read") from None

    def _connected(self) -> "OpenAI":
        """Return the client, which keeps its connections from one answer to the next."""
        server_key(self._setting)  # one that can't be sent is told before anything is tried
        if self._client is None:
            from openai import DefaultHttpxClient, OpenAI, Timeout

            address = self.checkpoint.server
            http = DefaultHttpxClient(
                timeout=Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                # A proxy can't reach what listens on this machine alone.
                trust_env=urlsplit(address).hostname not in _THIS_MACHINE,
                # Elsewhere may be somebody else, who is not to get the question or the key.
                follow_redirects=False,
                event_hooks={"request": [partial(_only_what_is_needed, self._setting)]},
            )
            weakref.finalize(self, http.close)
            self._client = OpenAI(
                api_key="set by the hook", base_url=address, max_retries=0, http_client=http
            )
        return self._client


def server_key(setting: str) -> str:
    """Return the key of a setting's server from the environment, or "" where there is none.

    Raises:
        RagtuneError: it can't be sent.
    """
    key = os.environ.get(key_variable(setting), "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise RagtuneError(
            f"The key in {key_variable(setting)} holds a space or a character that no key has. "
            "Set it again; what was found is not shown."
        )
    return key


def _only_what_is_needed(setting: str, request: Any) -> None:
    """Leave no header but the protocol's own, and the key.

    The client would add what it finds in OPENAI_… variables, meant for another server, and
    a description of this machine.
    """
    for name in list(request.headers):
        if name not in _HEADERS:
            del request.headers[name]
    if key := server_key(setting):
        request.headers["Authorization"] = f"Bearer {key}"


def _read(chunk: Any) -> tuple[str, bool, tuple[int, int] | None]:
    """Return a chunk's text, whether it is the answer's last, and the token counts in it.

    Raises:
        NotTheProtocol: it isn't a chat completion's chunk.
    """
    try:
        choice = chunk.choices[0] if chunk.choices else None
        # An empty list, or none at all, comes with the counts.
        text = (choice.delta.content or "") if choice and choice.delta else ""
        finished = bool(choice and choice.finish_reason)
        counts = chunk.usage
        usage = None
        if counts and counts.prompt_tokens is not None and counts.completion_tokens is not None:
            usage = int(counts.prompt_tokens), int(counts.completion_tokens)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError):
        raise NotTheProtocol("a part of the answer can't be read") from None
    if not isinstance(text, str):
        raise NotTheProtocol("a part of the answer can't be read")
    return text, finished, usage
