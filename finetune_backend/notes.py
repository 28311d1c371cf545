"""What a person noted about a run: a text in its folder."""

from pathlib import Path

from workbench.errors import RagtuneError
from workbench.files import write_bytes

LONGEST_CHARACTERS = 4000
_FILE = "notes.txt"


def read_notes(folder: Path) -> str:
    """Return what was noted about a run; empty where nothing was."""
    file = folder / _FILE
    return file.read_text(encoding="utf-8") if file.exists() else ""


def write_notes(folder: Path, text: str) -> None:
    """Keep a note about a run in place of the one before.

    Raises:
        RagtuneError: it is too long, or the run is gone.
    """
    if len(text) > LONGEST_CHARACTERS:
        raise RagtuneError(
            f"The note has {len(text):,} characters; at most {LONGEST_CHARACTERS:,} are kept. "
            "Shorten it."
        )
    if not folder.exists():
        raise RagtuneError(f"The fine-tune {folder.name!r} was deleted; there is nothing to note.")
    write_bytes(folder / _FILE, text.encode())
