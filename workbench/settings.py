"""What a person can choose, checked when it is chosen."""

import dataclasses
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.home import Home
from workbench.language_models.prompts import DEFAULT_TEMPLATE, check_template

DEFAULT_MODEL = "smollm2-135m-instruct"
ENGINES = ("auto", "transformers", "int8")
SEARCHES = ("hybrid", "dense", "words")
BUNDLED_RERANKER = "minilm-rerank"
_FROM_ENVIRONMENT = ("model", "server", "engine", "judge", "writer")
_WRITER_ON_SERVER = re.compile(r"(?P<name>.+?)@(?P<server>https?://.*)", re.IGNORECASE | re.DOTALL)

T = TypeVar("T")


def variable(setting: str) -> str:
    """Name the environment variable that goes before a setting."""
    return f"RAGTUNE_{setting.upper()}"


def key_variable(setting: str) -> str:
    """Name the environment variable with the key of a setting's server: it is kept nowhere else."""
    return f"{variable(setting)}_KEY"


def option(
    default: Any,
    meaning: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a settings field with its meaning and its bounds (both inclusive) or choices."""
    return dataclasses.field(
        default=default,
        metadata={"meaning": meaning, "low": low, "high": high, "choices": choices},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that all four methods share, so that a comparison stays fair."""

    model: str = option(
        DEFAULT_MODEL,
        "The language model: the bundled one by name, a folder, or a Hugging Face model id. "
        "With a server, the model's name on it.",
    )
    server: str = option(
        "",
        "The base URL of an OpenAI-compatible server that answers, for example "
        "http://127.0.0.1:8000/v1. Empty: answer on this machine.",
    )
    engine: str = option(
        "auto",
        "What runs the model. transformers is the reference. int8 is several times faster on a "
        "CPU, rounds weights and activations to 8 bits, and answers several questions at once. "
        "auto takes int8 where it was found to say what the reference says.",
        choices=ENGINES,
    )
    judge: str = option(
        "",
        "The language model that may judge answers once it agrees with your blind votes: a folder "
        "or a Hugging Face model id; with a server, a model's name on it. Empty: the one above.",
    )
    writer: str = option(
        "",
        "The language model that writes examples and exams from your documents: a folder, a "
        "Hugging Face model id, or NAME@URL for one on an OpenAI-compatible server, for example "
        "qwen3:8b@http://127.0.0.1:11434/v1. Empty: with a server the model above, else one that "
        "comes along.",
    )
    system_prompt: str = option(
        "Answer briefly.", "Put before every question, for every method; may be empty."
    )
    max_new_tokens: int = option(64, "The longest answer, in tokens.", 1, 2048)
    passage_tokens: int = option(
        90,
        "The longest passage that documents are split into, in tokens of the embedding model. "
        "Documents that are there already keep theirs until they are indexed again.",
        16,
        250,
    )
    overlap_tokens: int = option(
        24,
        "How much the parts of a paragraph longer than a passage share, in tokens; at most half "
        "a passage.",
        0,
        125,
    )
    search: str = option(
        "hybrid",
        "How passages are found: by meaning (dense), by words (BM25), or both, fused by rank.",
        choices=SEARCHES,
    )
    reranker: str = option(
        BUNDLED_RERANKER,
        "Reads the question and each found passage together and puts the best first: the "
        "bundled one by name, a folder or hub id of a cross-encoder, or empty for none.",
    )
    candidates: int = option(20, "How many passages the reranker reads.", 1, 100)
    retrieved: int = option(5, "How many passages a search returns.", 1, 1000)
    diversity: float = option(
        0.0,
        "How much a passage loses by saying what one before it says already: 0 nothing, 1 all.",
        0.0,
        1.0,
    )
    around: int = option(
        0,
        "How many passages before and after each that is read are read with it, within the same "
        "section.",
        0,
        5,
    )
    read: int = option(1, "How many of them, best first, the model reads.", 1, 50)
    decline: float = option(
        0.02,
        "What share of the questions that the documents do answer RAG and hybrid may decline, so "
        "that they decline those that they don't answer: 0 declines only where no passage is "
        "similar enough.",
        0.0,
        0.5,
    )
    passage_prompt: str = option(
        DEFAULT_TEMPLATE,
        "What RAG and hybrid say to the model: {passages} and {question} stand for what was "
        "found and asked. Short prompts suit small models.",
    )
    min_score: float = option(
        0.25,
        "Passages less similar to the question than this are not used (cosine, −1 to 1).",
        -1.0,
        1.0,
    )
    adapter_memory_mb: int = option(
        1000,
        "How much memory int8 may fill with copies of the model, one for each adapter in use; "
        "the least recently used go first.",
        1,
        1_000_000,
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.model.strip():
            raise RagtuneError("The model is empty; name a model, for example " + DEFAULT_MODEL)
        object.__setattr__(self, "server", check_server(self.server))
        writer, server = split_writer(self.writer)
        object.__setattr__(self, "writer", f"{writer}@{server}" if server else writer)
        check_template(self.passage_prompt)
        if self.overlap_tokens > self.passage_tokens // 2:
            raise RagtuneError(
                f"overlap_tokens is {self.overlap_tokens} but a passage has at most "
                f"{self.passage_tokens} tokens; choose at most half as many."
            )
        if self.read > self.retrieved:
            raise RagtuneError(
                f"read is {self.read} but only {self.retrieved} passages are retrieved; "
                "choose read at most as large as retrieved."
            )


def split_writer(writer: str) -> tuple[str, str]:
    """Return the writer's name and the base URL of its server, which is empty for one that is here.

    Raises:
        RagtuneError: the URL is none.
    """
    there = _WRITER_ON_SERVER.fullmatch(writer.strip())
    if there is None:
        return writer.strip(), ""
    return there["name"].strip(), check_server(there["server"], "writer")


def check_server(url: str, setting: str = "server") -> str:
    """Return a server's base URL without surrounding space and closing slash.

    Args:
        url: as it was given.
        setting: that names it.

    Raises:
        RagtuneError: it is not a plain http or https URL. What may hold a secret (a name and
            password, a query) is not repeated.
    """
    url = url.strip().rstrip("/")
    if not url:
        return ""
    expected = "http://HOST:PORT/v1 was expected, for example http://127.0.0.1:8000/v1."
    if any(mark in url for mark in "@?#"):
        raise RagtuneError(
            "The server's URL holds more than an address. Leave out names, passwords and "
            f"whatever follows '?' or '#'; a key belongs into {key_variable(setting)}. {expected}"
        )
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        whole = parts.scheme in ("http", "https") and host and parts.port != 0
    except ValueError:  # brackets that don't close, a port that is no number, "a..b"
        whole = False
    if not whole or not url.isascii() or not url.isprintable() or " " in url:
        raise RagtuneError(f"The server is {url!r}; {expected}")
    return url


def check_options(settings: Any) -> None:
    """Check the type and bounds of every field that was declared with `option`.

    Raises:
        RagtuneError: names the field, the value given and what was expected.
    """
    for field in dataclasses.fields(settings):
        value: Any = getattr(settings, field.name)
        low, high, meaning = (field.metadata[key] for key in ("low", "high", "meaning"))
        choices = field.metadata["choices"]
        kind = type(field.default)
        if kind is float and type(value) is int:
            value = float(value)
            object.__setattr__(settings, field.name, value)
        if type(value) is not kind:
            raise RagtuneError(
                f"{field.name} is {value!r}; a {_KINDS[kind]} was expected. {meaning}"
            )
        if choices and value not in choices:
            raise RagtuneError(
                f"{field.name} is {value!r}; one of {', '.join(choices)} was expected."
            )
        if low is not None and not low <= value <= high:
            raise RagtuneError(
                f"{field.name} is {value:g}; a {_KINDS[kind]} from {low:g} to {high:g} "
                "was expected."
            )


_KINDS: dict[Any, str] = {int: "whole number", float: "number", str: "text", bool: "yes or no"}


def from_mapping(kind: type[T], values: dict[str, Any]) -> T:
    """Build a settings dataclass from a mapping.

    Raises:
        RagtuneError: a key is unknown (the message lists those that exist) or a value is
            out of range.
    """
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise RagtuneError(
            f"There is no setting called {', '.join(unknown)}. Settings: {', '.join(known)}."
        )
    return kind(**values)


def from_text(kind: type[T], pairs: Sequence[str], before: T | None = None) -> T:
    """Build a settings dataclass from ``key=value`` texts, as the command line gives them.

    Args:
        kind: the dataclass.
        pairs: the texts.
        before: what they leave as it is; by default the defaults.
    """
    types: dict[str, Any] = {f.name: type(f.default) for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise RagtuneError(
                f"{pair!r} was given; key=value was expected. Keys: {', '.join(types)}."
            )
        try:
            values[key] = types.get(key, str)(text)
        except ValueError as error:
            raise RagtuneError(
                f"{key} is {text!r}; a {_KINDS[types[key]]} was expected."
            ) from error
    unchanged = dataclasses.asdict(before) if before is not None else {}  # type: ignore[call-overload]
    return from_mapping(kind, unchanged | values)


def load_settings(home: Home) -> Settings:
    """Read the home's settings; RAGTUNE_MODEL and the like, where set, replace theirs."""
    values = read_json(home.settings) if home.settings.exists() else {}
    if not isinstance(values, dict):
        raise RagtuneError(f"{home.settings} should hold one JSON object. Move it away.")
    for name in _FROM_ENVIRONMENT:
        if chosen := os.environ.get(variable(name)):
            values[name] = chosen
    return from_mapping(Settings, values)


def save_settings(home: Home, settings: Settings) -> None:
    """Keep the settings for the next start, and the prompts among their versions."""
    versions = prompt_versions(home)
    prompts = settings.system_prompt, settings.passage_prompt
    if not versions or (versions[-1].system_prompt, versions[-1].passage_prompt) != prompts:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        versions.append(PromptVersion(len(versions) + 1, since, *prompts))
        write_json(home.prompts, [dataclasses.asdict(version) for version in versions])
    write_json(home.settings, dataclasses.asdict(settings))


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """The prompts as they were for a while."""

    number: int
    since: str
    """ISO 8601, UTC."""
    system_prompt: str
    passage_prompt: str


def prompt_versions(home: Home) -> list[PromptVersion]:
    """Return the prompts that were ever saved, oldest first."""
    saved = read_json(home.prompts) if home.prompts.exists() else []
    return [PromptVersion(**version) for version in saved]
