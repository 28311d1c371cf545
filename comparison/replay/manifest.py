"""What a bundle is: its parts, its format, and the list of them that it begins to be read with."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from finetune_backend.exports.received import CONFIG, WEIGHTS
from workbench.errors import RagtuneError

FORMAT = 1
MANIFEST = "manifest.json"
EVALUATION, EXAM, ROWS = "evaluation.json", "exam.jsonl", "rows.jsonl"
SETTINGS, CALIBRATION = "settings.json", "calibration.json"
_ALWAYS = (EVALUATION, EXAM, ROWS, SETTINGS)
_HASH = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(
    rf"{re.escape(CALIBRATION)}|documents/[0-9a-f]{{64}}"
    rf"|adapters/[A-Za-z0-9][A-Za-z0-9._-]{{0,59}}/({re.escape(WEIGHTS)}|{re.escape(CONFIG)})"
)


@dataclass(frozen=True, slots=True)
class BundledDocument:
    """A document, whose file is among the bundle's parts."""

    name: str
    sha256: str
    passage_tokens: int
    overlap_tokens: int

    @property
    def part(self) -> str:
        """Where its file is in the bundle."""
        return f"documents/{self.sha256}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds."""

    evaluation: str
    """The evaluation's name."""
    model: str
    """The model's name, without the folders of the machine that it was on."""
    model_sha256: str
    documents: tuple[BundledDocument, ...]
    """In the order in which they were added."""
    files: dict[str, str]
    """Every part with its SHA-256."""

    def saved(self) -> dict[str, Any]:
        """Return it as `read_manifest` reads it."""
        return {"format": FORMAT, **asdict(self)}


def adapter_parts(name: str) -> tuple[str, str]:
    """Return where an adapter's two files are in a bundle."""
    return f"adapters/{name}/{WEIGHTS}", f"adapters/{name}/{CONFIG}"


def read_manifest(saved: Any, name: str) -> Manifest:
    """Read a manifest, which may come from anybody.

    Args:
        saved: what its JSON says.
        name: the bundle's, for the messages.

    Raises:
        RagtuneError: it is of another format, or not one that Ragtune wrote.
    """
    number = saved.get("format") if isinstance(saved, dict) else None
    if number != FORMAT:
        raise RagtuneError(
            f"{name} is a bundle of format {number!r}; this Ragtune reads format {FORMAT}. Replay "
            "it with the version that made it."
        )
    try:
        made = Manifest(
            evaluation=saved["evaluation"],
            model=saved["model"],
            model_sha256=saved["model_sha256"],
            documents=tuple(BundledDocument(**one) for one in saved["documents"]),
            files=dict(saved["files"]),
        )
        texts = [made.evaluation, made.model, made.model_sha256, *made.files.values()]
        texts += [text for one in made.documents for text in (one.name, one.sha256)]
        sound = all(isinstance(text, str) for text in texts)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_ours(name) from error
    if not sound or not all(map(_HASH.fullmatch, made.files.values())):
        raise _not_ours(name)
    for part in made.files:
        if part not in _ALWAYS and not _PART.fullmatch(part):
            raise outside(name, part)
    missing = {*_ALWAYS, *(one.part for one in made.documents)} - made.files.keys()
    if missing:
        raise lacking(name, min(missing))
    return made


def outside(name: str, part: str) -> RagtuneError:
    """Return the error for a part that no bundle has."""
    return RagtuneError(
        f"{name} was refused: it holds {part!r}, which no bundle does. Ask for it again as "
        "`ragtune bundle` writes it."
    )


def lacking(name: str, part: str) -> RagtuneError:
    """Return the error for a part that isn't there."""
    return RagtuneError(
        f"{name} is not whole: {part} is missing. Ask for it again as `ragtune bundle` writes it."
    )


def _not_ours(name: str) -> RagtuneError:
    return RagtuneError(
        f"{name} was refused: its {MANIFEST} is not what `ragtune bundle` writes. Ask for it again."
    )
