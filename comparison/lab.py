"""The lab: one home folder with everything that a comparison needs, loaded when needed."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune_backend.runs import Run, find_adapter, usable_adapters
from rag_backend.knowledge_base import KnowledgeBase
from workbench.errors import RagtuneError
from workbench.home import Home, open_home
from workbench.language_models.choose import Choice, choose_engine, load_engine
from workbench.language_models.engine import Engine
from workbench.language_models.loading import Checkpoint, find_checkpoint
from workbench.language_models.server_engine import ServerEngine
from workbench.language_models.server_errors import listed
from workbench.settings import Settings, from_text, load_settings, save_settings, split_writer
from workbench.storage import Database


@dataclass(frozen=True, slots=True)
class Adapter:
    """What "finetuned" and "hybrid" answer with."""

    name: str
    reference: str
    """What names it to the engine; see `Engine.stream`."""
    run: Run | None = None
    """The fine-tune that made it; None on a server, which doesn't say."""


class Lab:
    """Opened once for each process; safe to share between threads."""

    def __init__(self, home: Home, changes: Sequence[str] = ()) -> None:
        self.home = home
        self._changes = changes
        self.database = Database(home)
        self.knowledge_base = KnowledgeBase(home, self.database)
        self._engine: Engine | None = None
        self._loaded: tuple[str, Checkpoint, int] | None = None
        self._loading = threading.Lock()
        self._loading_begins = threading.Lock()
        self.loading = ""
        """What is being loaded in the background; empty where nothing is."""

    @property
    def settings(self) -> Settings:
        """The settings as they are now, which another process may have changed."""
        kept = load_settings(self.home)
        return from_text(Settings, self._changes, kept) if self._changes else kept

    def change_settings(self, settings: Settings) -> None:
        """Keep other settings.

        Raises:
            RagtuneError: the model, the judge, the writer or the reranker that they name can't be
                found on this machine. A server is not asked: it may well be started later.
        """
        for model in filter(None, (settings.model, settings.judge)):
            find_checkpoint(model, settings.server)
        if settings.writer:
            find_checkpoint(*split_writer(settings.writer))
        if settings.reranker:
            self.knowledge_base.index.reranker(settings.reranker)
        save_settings(self.home, settings)

    def checkpoint(self, model: str | None = None) -> Checkpoint:
        """Return the checkpoint of this name, or the one that the settings name."""
        settings = self.settings
        return find_checkpoint(model or settings.model, settings.server)

    def engine(self) -> Engine:
        """Return the engine for the settings' model, loading it where needed."""
        with self._loading:
            wanted = self._wanted()
            if self._engine is None or self._loaded != wanted:
                self._engine = None  # free the old weights before the new ones come
                self._engine, self._loaded = load_engine(*wanted), wanted
            return self._engine

    def engine_beside(self, model: str) -> Engine:
        """Load another model's engine beside the one that is kept; it goes when it is let go.

        Raises:
            RagtuneError: there is no such model, or it can't be loaded.
        """
        checkpoint = self.checkpoint(model)
        return load_engine(choose_engine(self.settings.engine, checkpoint).engine, checkpoint)

    def warm_up(self) -> None:
        """Begin to load in the background what an answer needs, and return at once.

        What can't be loaded is told to whoever asks.
        """
        with self._loading_begins:
            if not self.loading:
                self.loading = "the language model"
                threading.Thread(target=self._warm_up, daemon=True).start()

    def _warm_up(self) -> None:
        # One after the other: transformers can't be imported by two threads at once.
        try:
            with contextlib.suppress(RagtuneError):
                self.engine()
            self.loading = "the search"
            with contextlib.suppress(RagtuneError):
                self.knowledge_base.index.warm_up(self.settings)
            with contextlib.suppress(RagtuneError):
                self.prepare_fast_engine()
        finally:
            self.loading = ""

    def engine_loaded(self) -> bool:
        """Would `engine` return at once?"""
        wanted = self._wanted()
        return wanted[0] == "server" or (self._engine is not None and self._loaded == wanted)

    def engine_sentence(self) -> str:
        """Say which engine answers and why, for a person who may choose another."""
        if not self.engine_loaded():
            loaded = f"{self._engine.name} is loaded" if self._engine else "No engine is loaded yet"
            return f"{loaded}; the next question loads {self._wanted()[0]}."
        choice, serves = self.engine_choice(), self.engine().describe()
        return serves + (
            f" The faster one, int8, does not, since {choice.why}." if choice.why else ""
        )

    def engine_choice(self) -> Choice:
        """Say which engine the settings lead to now, and why it is not a faster one."""
        return choose_engine(self.settings.engine, self.checkpoint())

    def prepare_fast_engine(self) -> None:
        """Let the fast engine be made ready in the background, where it can and isn't."""
        from workbench.language_models.int8.prepared import start_preparing

        if self.engine_choice().can_prepare:
            start_preparing(self.checkpoint())

    def _wanted(self) -> tuple[str, Checkpoint, int]:
        """Return what the settings ask for: an engine, its checkpoint, its adapters' bytes."""
        choice, memory = self.engine_choice(), self.settings.adapter_memory_mb * 1_000_000
        return choice.engine, self.checkpoint(), memory

    def adapter(self, name: str | None = None, model: str | None = None) -> Adapter:
        """Return the named adapter, or the newest that fits the model.

        The model is the settings' one by default.

        Which of a server's models is the newest is not known: there, without a name, it is
        the only other one.

        Raises:
            RagtuneError: there is none, it doesn't fit, or several could be meant.
        """
        server = self._server(model)
        if server is None:
            return _trained(find_adapter(self.home, name, self.checkpoint(model)))
        names, here = server.adapters(), f"The server {server.checkpoint.server}"
        others = f"other models than {server.checkpoint.name}"
        if not names:
            raise RagtuneError(
                f"{here} offers no {others}. Let it serve the adapter under a name of its own "
                "(with vLLM: --enable-lora --lora-modules NAME=FOLDER)."
            )
        if name is None and len(names) == 1:
            return Adapter(names[0], names[0])
        if name is None:
            raise RagtuneError(
                f"{here} offers several {others}: {listed(names)}. Choose the adapter among them "
                "(page Ask, or --adapter)."
            )
        if name not in names:
            raise RagtuneError(f"{here} has no adapter {name!r}. It offers: {listed(names)}.")
        return Adapter(name, name)

    def adapters(self, model: str | None = None) -> list[Adapter]:
        """Return the adapters that fit the model, the newest first; see `adapter`.

        Raises:
            RagtuneError: a server can't be reached or doesn't have the model.
        """
        server = self._server(model)
        if server is not None:
            return [Adapter(name, name) for name in server.adapters()]
        return [_trained(run) for run in usable_adapters(self.home, self.checkpoint(model))]

    def missing(
        self, method: str, adapter: str | None = None, model: str | None = None
    ) -> str | None:
        """Say in one short sentence what a method still needs, or None where it is ready."""
        try:
            server = self._server(model)
            if server is not None:
                server.check()
            elif model is not None:
                self.checkpoint(model)
        except RagtuneError as error:
            return str(error)
        if method in ("rag", "hybrid") and (why := self.knowledge_base.missing()):
            return why
        if method in ("finetuned", "hybrid"):
            if server is None and adapter is None and not self.adapters(model):
                return "No adapter for this model yet."
            try:
                self.adapter(adapter, model)
            except RagtuneError as error:
                return str(error)
        return None

    def _server(self, model: str | None = None) -> ServerEngine | None:
        """Return the engine where it is a server's; makes no other one."""
        if not self.settings.server:
            return None
        engine = self.engine_beside(model) if model else self.engine()
        return engine if isinstance(engine, ServerEngine) else None


def _trained(run: Run) -> Adapter:
    return Adapter(run.name, str(run.adapter), run)


def open_lab(home: str | Path | None = None, changes: Sequence[str] = ()) -> Lab:
    """Open the lab in the given home folder; see `workbench.home.open_home`.

    Args:
        home: the folder.
        changes: ``key=value`` texts, which change settings in this lab and are not kept.
    """
    return Lab(open_home(home), changes)
