"""What went wrong with a server, in one sentence that says what to do."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workbench.errors import RagtuneError
from workbench.settings import key_variable, variable

_SHOWN_NAMES = 8
_SHOWN_CHARACTERS = 200
_TOO_LONG = ("context length", "context size", "context window", "context_length", "context_size")


class NotTheProtocol(Exception):
    """Something answered, but not an OpenAI-compatible server; the message says how."""


class Failures:
    """The sentences about one server. None of them holds its key, even if the server does."""

    def __init__(self, url: str, setting: str) -> None:
        """Take the server's base URL, and the setting that names it; see `ServerEngine`."""
        self._url, self._setting = url, setting
        self._variable, self._key = variable(setting), key_variable(setting)
        self._server = f"The server {url}"

    @contextlib.contextmanager
    def told(
        self, model: str | None = None, names: Callable[[], Sequence[str]] = list
    ) -> Iterator[None]:
        """Turn what a request raises into a `RagtuneError`.

        Args:
            model: the model that was asked for; None where the list of models was.
            names: returns the server's models, called only where the sentence needs them.
        """
        import openai

        sentence = None
        try:
            yield
        except openai.APIStatusError as error:
            sentence = self._status(error, model, names)
        except openai.APIConnectionError as error:
            sentence = self._connection(error)
        except openai.APIError as error:  # inside a stream that had begun well
            sentence = (
                f"{self._server} gave up in the middle of the answer: {self._quote(error.body)}"
            )
        except (NotTheProtocol, json.JSONDecodeError, UnicodeDecodeError) as error:
            reason = str(error) if isinstance(error, NotTheProtocol) else "it sent broken JSON"
            sentence = self._foreign(reason)
        if sentence:
            # Not "from error": its text and its request may hold the key.
            raise RagtuneError(sentence) from None

    def no_model(self, name: str, names: Sequence[str]) -> RagtuneError:
        """Return the error for a name that the server's list doesn't hold."""
        return RagtuneError(
            f"{self._server} has no model {name!r}. It offers: {listed(names) or 'none'}."
        )

    def broken_off(self, model: str, pieces: int) -> RagtuneError:
        """Return the error for a stream that ended without saying that it was the end."""
        return RagtuneError(
            f"{self._server} closed the connection in the middle of {model}'s answer, after "
            f"{pieces} pieces. Its log may say why; ask again."
        )

    def empty(self, model: str, max_new_tokens: int) -> RagtuneError:
        """Return the error for an answer without a word."""
        return RagtuneError(
            f"{model} on {self._url} gave an empty answer. If it thinks before it answers, "
            f"{max_new_tokens} tokens may be too few: raise max_new_tokens in Settings."
        )

    def _connection(self, error: Any) -> str:
        import openai

        cause, kind = str(error.__cause__), type(error.__cause__).__name__
        timed_out = isinstance(error, openai.APITimeoutError)
        limits = error.request.extensions["timeout"]
        if timed_out and kind != "ConnectTimeout":
            return (
                f"{self._server} took the request but then sent nothing for "
                f"{limits['read']:g} seconds. It may be overloaded or still loading the model; "
                "try again later."
            )
        if kind == "RemoteProtocolError" and "closed" not in cause and "disconn" not in cause:
            return self._foreign("it does not speak HTTP")
        if kind in ("RemoteProtocolError", "ReadError", "WriteError"):
            return (
                f"{self._server} closed the connection before the answer was complete. Its log "
                "may say why; ask again."
            )
        reason = (
            f"no reply within {limits['connect']:g} seconds" if timed_out else self._quote(cause)
        )
        return (
            f"{self._server} can't be reached ({reason.rstrip('.')}). Start it, or correct the "
            f"{self._setting} in Settings or {self._variable}."
        )

    def _foreign(self, reason: str) -> str:
        return (
            f"{self._server} does not speak OpenAI's protocol: {reason}. Check the URL in "
            f"Settings or {self._variable}; most end in /v1."
        )

    def _status(self, error: Any, model: str | None, names: Callable[[], Sequence[str]]) -> str:
        status, words = error.status_code, self._quote(error.body)
        refused = f"{self._server} refused the request (status {status}): {words}"
        if status in (401, 403):
            if os.environ.get(self._key):
                return (
                    f"{self._server} refused the key in {self._key} (status {status}). Check "
                    "that it is this server's key and may use this model."
                )
            return (
                f"{self._server} wants a key (status {status}). Set {self._key} in the "
                "environment and start Ragtune again."
            )
        if status == 404:
            offered = names()
            if model and offered:
                return str(self.no_model(model, offered))
            return (
                f"There is no OpenAI-compatible server at {self._url} (status 404). Check the "
                f"URL in Settings or {self._variable}; most end in /v1."
            )
        if status == 429:
            wait = error.response.headers.get("retry-after", "")
            when = f"in {wait} seconds" if wait.isdigit() else "later"
            return f"{self._server} has had too many requests (status 429). Ask again {when}."
        if status >= 500:
            return (
                f"{self._server} failed (status {status}): {words} Its log may say why; ask again."
            )
        if status < 400:
            return (
                f"{self._server} sends requests elsewhere (status {status}). Give the URL that "
                f"it leads to in Settings or {self._variable}."
            )
        found = str(error.body).lower()
        if any(sign in found for sign in _TOO_LONG):
            return (
                f"The question and its passages are too long for {model} on {self._url}: {words} "
                "Ask less at once, or let fewer passages be read (Settings)."
            )
        return refused

    def _quote(self, body: object) -> str:
        """Return what the server said, on one line, bounded, as a sentence and without the key."""
        if isinstance(body, dict):
            body = body.get("message") or body.get("detail") or body
        text = " ".join(str(body or "").split())
        if not text or text.startswith("<"):
            return "it didn't say why."
        if key := os.environ.get(self._key, "").strip():
            text = text.replace(key, "…")
        if len(text) > _SHOWN_CHARACTERS:
            text = text[:_SHOWN_CHARACTERS] + "…"
        return text if text.endswith((".", "!", "?", "…")) else text + "."


def listed(names: Sequence[str]) -> str:
    """Return names in a row, the first few of many."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
