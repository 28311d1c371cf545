"""The lab: one home folder with everything that a comparison needs, loaded when needed."""

import threading
from pathlib import Path

from finetune_backend.runs import Run, find_adapter, usable_adapters
from rag_backend.knowledge_base import KnowledgeBase
from workbench.errors import RagtuneError
from workbench.home import Home, open_home
from workbench.language_models.engine import Engine
from workbench.language_models.loading import Checkpoint, find_checkpoint
from workbench.settings import Settings, load_settings, save_settings
from workbench.storage import Database


class Lab:
    """Opened once for each process; safe to share between threads."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.database = Database(home)
        self.knowledge_base = KnowledgeBase(home, self.database)
        self._engine: Engine | None = None
        self._loading = threading.Lock()

    @property
    def settings(self) -> Settings:
        """The settings as they are now, which another process may have changed."""
        return load_settings(self.home)

    def change_settings(self, settings: Settings) -> None:
        """Keep other settings.

        Raises:
            RagtuneError: the model that they name can't be found.
        """
        find_checkpoint(settings.model)
        save_settings(self.home, settings)

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint that the settings name."""
        return find_checkpoint(self.settings.model)

    def engine(self) -> Engine:
        """Return the engine for the settings' model, loading it where needed."""
        from workbench.language_models.choose import load_engine

        with self._loading:
            settings = self.settings
            checkpoint = find_checkpoint(settings.model)
            engine = self._engine
            if engine is None or (engine.name, engine.checkpoint) != (settings.engine, checkpoint):
                self._engine = engine = None  # free the old weights before the new ones come
                self._engine = engine = load_engine(settings.engine, checkpoint)
            return engine

    def engine_loaded(self) -> bool:
        """Would `engine` return at once?"""
        return self._engine is not None and (self._engine.name, self._engine.checkpoint) == (
            self.settings.engine,
            self.checkpoint(),
        )

    def adapter(self, name: str | None = None) -> Run:
        """Return the named adapter's run, or the newest that fits the model."""
        return find_adapter(self.home, name, self.checkpoint())

    def adapters(self) -> list[Run]:
        """Return the complete runs whose adapter fits the model, the newest first."""
        return usable_adapters(self.home, self.checkpoint())

    def missing(self, method: str, adapter: str | None = None) -> str | None:
        """Say in one short sentence what a method still needs, or None where it is ready."""
        if method in ("rag", "hybrid") and not self.knowledge_base.documents():
            return "No documents yet."
        if method in ("finetuned", "hybrid"):
            if adapter is None and not self.adapters():
                return "No adapter for this model yet."
            try:
                self.adapter(adapter)
            except RagtuneError as error:
                return str(error)
        return None


def open_lab(home: str | Path | None = None) -> Lab:
    """Open the lab in the given home folder; see `workbench.home.open_home`."""
    return Lab(open_home(home))
