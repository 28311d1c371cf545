"""The home folder: the one place where everything that a person makes is kept."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from workbench.errors import RagtuneError
from workbench.files import writing


@dataclass(frozen=True, slots=True)
class Home:
    """Where things are inside the home folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """Documents, passages and training examples."""
        return self.folder / "ragtune.sqlite"

    @property
    def settings(self) -> Path:
        """What was chosen on the Settings page."""
        return self.folder / "settings.json"

    @property
    def prices(self) -> Path:
        """What an hour of the machine and a server's tokens cost."""
        return self.folder / "prices.json"

    @property
    def prompts(self) -> Path:
        """Every version of the prompts."""
        return self.folder / "prompts.json"

    @property
    def calibration(self) -> Path:
        """What the verifier says of questions that these documents answer."""
        return self.folder / "calibration.json"

    @property
    def uploads(self) -> Path:
        """The documents as they came, named by the hash of their content."""
        return self.folder / "uploads"

    @property
    def index(self) -> Path:
        """The search index of a large knowledge base; made again where it is missing."""
        return self.folder / "index"

    @property
    def runs(self) -> Path:
        """One folder for each fine-tune."""
        return self.folder / "runs"

    @property
    def sweeps(self) -> Path:
        """One folder for each search for good settings."""
        return self.folder / "sweeps"

    @property
    def experiments(self) -> Path:
        """One folder for each experiment that was started."""
        return self.folder / "experiments"

    @contextlib.contextmanager
    def lock(self, name: str, wait_seconds: float, busy: str) -> Iterator[None]:
        """Hold a lock between processes; the system frees it however its process ends.

        Raises:
            RagtuneError: with the sentence ``busy``, when it isn't free in time.
        """
        lock = FileLock(self.folder / f".{name}.lock")
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as error:
            raise RagtuneError(busy) from error
        try:
            yield
        finally:
            lock.release()


def open_home(folder: str | Path | None = None) -> Home:
    """Open the given folder, or RAGTUNE_HOME, or ``~/.ragtune``, making it where needed.

    Raises:
        RagtuneError: the folder can't be made or written.
    """
    chosen = folder or os.environ.get("RAGTUNE_HOME") or Path.home() / ".ragtune"
    home = Home(Path(chosen).expanduser().resolve())
    if home.folder.exists() and not home.folder.is_dir():
        raise RagtuneError(
            f"{home.folder} is a file; a folder was expected. Choose another with --home."
        )
    with writing(home.folder):
        for place in (home.folder, home.uploads, home.runs, home.sweeps):
            place.mkdir(parents=True, exist_ok=True)
    return home
