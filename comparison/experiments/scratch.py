"""A lab beside a person's own: copies of documents that may be changed, the same model."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from comparison.experiments.edit import as_page
from comparison.lab import Adapter, Lab
from rag_backend.documents import Progress, unheard
from workbench.errors import RagtuneError
from workbench.files import write_bytes
from workbench.home import open_home
from workbench.language_models.engine import Engine
from workbench.values import Block

_LONGEST_TITLE = 150
"""Characters; a document's name has a limit."""


class Scratch(Lab):
    """Has documents of its own in a folder, and everything else from another lab."""

    def __init__(self, real: Lab, folder: Path) -> None:
        """Begin without documents, with the settings and the calibration of the other lab."""
        shutil.rmtree(folder, ignore_errors=True)  # what a kill has left
        home = open_home(folder)
        for own, copy in (
            (real.home.settings, home.settings),
            (real.home.calibration, home.calibration),
        ):
            if own.exists():
                write_bytes(copy, own.read_bytes())
        super().__init__(home)
        self._real = real
        self._names: dict[str, str] = {}

    def engine(self) -> Engine:
        """Return the other lab's engine."""
        return self._real.engine()

    def adapter(self, name: str | None = None, model: str | None = None) -> Adapter:
        """Return an adapter of the other lab."""
        return self._real.adapter(name, model)

    def adapters(self, model: str | None = None) -> list[Adapter]:
        """Return the adapters of the other lab."""
        return self._real.adapters(model)

    def put(self, documents: Mapping[str, Sequence[Block]], progress: Progress = unheard) -> float:
        """Add documents, or replace those of the same names; return the seconds it took.

        Args:
            documents: their paragraphs; one without any is removed. The last part of a name
                is the title, under which its passages are read.
            progress: see `Progress`.

        Raises:
            RagtuneError: one can't be indexed.
        """
        started, base = time.perf_counter(), self.knowledge_base
        for name, blocks in documents.items():
            if blocks:
                base.incoming.put(self._name(name), as_page(blocks))
        files = base.work(progress)
        refused = [file.message for file in files if not file.change]
        if refused:
            raise RagtuneError(f"A copy of a document could not be indexed. {refused[0]}")
        base.incoming.forget()
        self.remove([name for name, blocks in documents.items() if not blocks])
        return time.perf_counter() - started

    def remove(self, names: Sequence[str]) -> None:
        """Remove those of the documents that are there."""
        there = {document.name for document in self.knowledge_base.documents()}
        gone = there & {self._name(name) for name in names}
        if gone:
            self.knowledge_base.remove(*gone)

    def passages(self) -> int:
        """Return how many passages there are."""
        return sum(document.passages for document in self.knowledge_base.documents())

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        self.database.close()
        shutil.rmtree(self.home.folder, ignore_errors=True)

    def _name(self, name: str) -> str:
        """Return the copy's name: a page with the same title, which is read above its passages."""
        title = PurePath(name).stem[:_LONGEST_TITLE]
        return self._names.setdefault(name, f"{len(self._names) + 1}/{title}.html")
