"""Unpack a bundle, which may come from anybody, and check every part of it."""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.ask import METHODS
from comparison.evaluation.kept import KIND, Evaluation, asked_questions, read_evaluation
from comparison.evaluation.rows import read_rows
from comparison.replay.bundle import MOST_PARTS
from comparison.replay.manifest import (
    MANIFEST,
    Manifest,
    adapter_parts,
    lacking,
    outside,
    read_manifest,
)
from rag_backend.documents import Progress
from rag_backend.parse.limits import MAX_FILE_BYTES
from workbench.errors import RagtuneError
from workbench.files import write_json, writing
from workbench.kept import check_name

_MOST_BYTES = 8_000_000_000
_MOST_MANIFEST_BYTES = 20_000_000
_READ_BYTES = 1024 * 1024
_ENCRYPTED_FLAG = 0x1
_ROW_KINDS = {
    "number": int,
    "column": str,
    "question": str,
    "answer": str,
    "refused": bool,
    "retrieved": list,
    "sources": list,
    "fingerprint": dict,
}
"""What each row has to hold to be compared."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was unpacked and found whole."""

    folder: Path
    """Holds its parts, and is a kept evaluation's folder."""
    manifest: Manifest
    evaluation: Evaluation


def unpack(file: Path, folder: Path, progress: Progress) -> Bundle:
    """Unpack a bundle into a new folder below the given one, and check it.

    Raises:
        RagtuneError: it isn't a bundle, isn't whole, was changed, or holds what no bundle does.
    """
    name = file.name
    try:
        size = file.stat().st_size
        with zipfile.ZipFile(file) as archive:
            entries = _checked_entries(archive, name, size)
            manifest = _manifest(archive, entries, name)
            check_name(manifest.evaluation, KIND)
            unknown = sorted(entries.keys() - {*manifest.files, MANIFEST})
            missing = sorted(manifest.files.keys() - entries.keys())
            if unknown:
                raise outside(name, unknown[0])
            if missing:
                raise lacking(name, missing[0])
            target = folder / manifest.evaluation
            for number, (part, digest) in enumerate(manifest.files.items()):
                progress(f"Unpacking {part}", number / len(manifest.files))
                _write(archive, entries[part], target / part, digest, name)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise RagtuneError(
            f"{name} is damaged, or not a ZIP file ({error}). Ask for it again as `ragtune bundle` "
            "writes it."
        ) from error
    except OSError as error:
        raise RagtuneError(f"{file} can't be read: {error.strerror or error}.") from error
    write_json(target / "state.json", {"state": "done", "message": "Bundled"})
    return Bundle(target, manifest, _evaluation(target, manifest, name))


def _checked_entries(archive: zipfile.ZipFile, name: str, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by their names, none of which is packed, locked or there twice."""
    entries = archive.infolist()
    if size > _MOST_BYTES or len(entries) > MOST_PARTS:
        raise RagtuneError(
            f"{name} has {size / 1e9:,.1f} GB in {len(entries):,} parts; at most "
            f"{_MOST_BYTES / 1e9:,.0f} GB in {MOST_PARTS:,} parts are read."
        )
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & _ENCRYPTED_FLAG:
            raise RagtuneError(
                f"{name} was refused: {entry.filename!r} in it is packed, and `ragtune bundle` "
                "packs nothing. Ask for the bundle as it was written."
            )
    found = {entry.filename: entry for entry in entries}
    # Unpacked parts that lie one behind the other can't be larger than the file.
    if len(found) < len(entries) or sum(entry.file_size for entry in entries) > size:
        raise RagtuneError(f"{name} was refused: it holds the same part more than once.")
    return found


def _manifest(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str) -> Manifest:
    if MANIFEST not in entries:
        raise RagtuneError(
            f"{name} is not a bundle: {MANIFEST} is missing. `ragtune bundle EVALUATION FILE.zip` "
            "makes one."
        )
    if entries[MANIFEST].file_size > _MOST_MANIFEST_BYTES:
        raise RagtuneError(f"{name} was refused: its {MANIFEST} is too large to be one.")
    return read_manifest(_json(archive.read(MANIFEST), MANIFEST, name), name)


def _write(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, digest: str, name: str
) -> None:
    """Write a part to its place, which its name was checked to be."""
    if entry.filename.startswith("documents/") and entry.file_size > MAX_FILE_BYTES:
        raise RagtuneError(
            f"{name} was refused: a document in it has more than {MAX_FILE_BYTES // 1024**2} MB."
        )
    found = hashlib.sha256()
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as part, target.open("wb") as out:
            while piece := part.read(_READ_BYTES):
                found.update(piece)
                out.write(piece)
    if found.hexdigest() != digest:
        raise RagtuneError(
            f"{name} was changed since it was made: {entry.filename} has another checksum than "
            "its manifest says. Ask for it again."
        )


def _evaluation(folder: Path, manifest: Manifest, name: str) -> Evaluation:
    """Read the evaluation and its rows, and make sure that all they name is there."""
    broken = RagtuneError(
        f"{name} was refused: its evaluation.json or rows.jsonl is not what `ragtune bundle` "
        "writes. Ask for it again."
    )
    try:
        evaluation = read_evaluation(folder)
        labels = {column.label for column in evaluation.columns}
        # No other model is loaded than the one that was checked.
        sound = all(one.method in METHODS and one.model is None for one in evaluation.columns)
        sound = sound and all(label.isprintable() for label in labels)
        sound = sound and isinstance(evaluation.conditions, dict)
        sound = sound and isinstance(evaluation.machine, dict)
        rows = read_rows(folder)
        questions = len(asked_questions(evaluation))
        for row in rows:
            sound = sound and all(isinstance(row[key], kind) for key, kind in _ROW_KINDS.items())
            sound = sound and 0 <= row["number"] < questions and row["column"] in labels
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise broken from error
    if not sound or not rows:
        raise broken
    if evaluation.conditions.get("the engine") != "server":
        for column in evaluation.columns:
            parts = adapter_parts(column.adapter) if column.adapter else ()
            for part in parts:
                if part not in manifest.files:
                    raise lacking(name, f"{part}, of the adapter {column.adapter!r},")
    return evaluation


def _json(data: bytes, part: str, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RagtuneError(f"{name} was refused: its {part} is not JSON.") from error
