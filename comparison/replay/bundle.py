"""Write a bundle: one ZIP file with everything that an evaluation's answers came from.

Nothing in it is packed, so that unpacking can't grow, and the same evaluation gives the same
bytes. The base model is not in it: its name and its SHA-256 are.
"""

import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from comparison.evaluation.conditions import changed, conditions
from comparison.evaluation.kept import Evaluation
from comparison.evaluation.rows import read_rows
from comparison.lab import Lab
from comparison.replay.manifest import (
    CALIBRATION,
    EVALUATION,
    EXAM,
    MANIFEST,
    ROWS,
    SETTINGS,
    BundledDocument,
    Manifest,
    adapter_parts,
)
from finetune_backend.exports.base import public_name
from finetune_backend.exports.received import CONFIG, WEIGHTS
from rag_backend.documents import Progress, unheard
from workbench.errors import RagtuneError
from workbench.files import read_json, sync_folder, writing
from workbench.storage import DocumentRow

MOST_PARTS = 20_000
_OF_THIS_MACHINE = ("model", "server", "judge", "writer")
"""Settings that say where the models are here."""
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def save_bundle(
    lab: Lab, evaluation: Evaluation, file: Path, progress: Progress = unheard
) -> Manifest:
    """Write a bundle to a file, all or nothing; see `write_bundle`."""
    if file.suffix.lower() != ".zip":
        raise RagtuneError(f"{file.name} was given; a name that ends in .zip was expected.")
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    with writing(file):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as out:
                made = write_bundle(lab, evaluation, out, progress)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(file)
            sync_folder(file.parent)
        finally:
            partial.unlink(missing_ok=True)
    return made


def write_bundle(
    lab: Lab, evaluation: Evaluation, out: IO[bytes], progress: Progress = unheard
) -> Manifest:
    """Write a bundle.

    Args:
        lab: where the evaluation was made.
        evaluation: a kept one; where it isn't complete, the answers that are there are bundled.
        out: an open, empty file.
        progress: see `Progress`.

    Raises:
        RagtuneError: something that it needs is missing or not what it was; see
            `check_can_bundle`.
    """
    check_can_bundle(lab, evaluation)
    documents = _documents(lab) if _searches(evaluation) else ()
    checkpoint, files = lab.checkpoint(), dict[str, str]()
    count = 5 + len(documents) + 2 * len(evaluation.columns)
    with zipfile.ZipFile(out, "w") as archive:
        for part, data in _parts(lab, evaluation, documents):
            progress(f"Bundling {part}", min(1.0, len(files) / count))
            _put(archive, part, data)
            files[part] = hashlib.sha256(data).hexdigest()
        made = Manifest(
            evaluation=evaluation.name,
            model=public_name(checkpoint.name),
            model_sha256=checkpoint.sha256,
            documents=documents,
            files=files,
        )
        _put(archive, MANIFEST, _json(made.saved()))
    return made


def check_can_bundle(lab: Lab, evaluation: Evaluation) -> None:
    """Make sure that asking again would give the same answers.

    Raises:
        RagtuneError: there are no answers yet, it is at work, or what they came from is not what
            it was; it is named.
    """
    if evaluation.state.active:
        raise RagtuneError(
            f"The evaluation {evaluation.name!r} is at work. Wait for it, or pause it."
        )
    if not read_rows(evaluation.folder):
        raise RagtuneError(f"The evaluation {evaluation.name!r} has no answers yet.")
    differing = changed(evaluation.conditions, conditions(lab, evaluation.columns))
    if differing:
        raise RagtuneError(
            f"The evaluation {evaluation.name!r} can't be bundled: {', '.join(differing)} changed "
            "since it began, so that its answers could not be made again. Change that back, or "
            "start it anew."
        )


def _parts(
    lab: Lab, evaluation: Evaluation, documents: tuple[BundledDocument, ...]
) -> Iterator[tuple[str, bytes]]:
    saved = read_json(evaluation.folder / "evaluation.json")
    checkpoint = lab.checkpoint()
    # The model's name may be a folder of this machine, which is nobody's business.
    model = {"the model": f"{public_name(checkpoint.name)} {checkpoint.sha256}"}
    yield EVALUATION, _json(saved | {"conditions": saved["conditions"] | model})
    for part in (EXAM, ROWS):
        yield part, (evaluation.folder / part).read_bytes()
    settings = dataclasses.asdict(lab.settings)
    yield SETTINGS, _json({k: v for k, v in settings.items() if k not in _OF_THIS_MACHINE})
    if documents and lab.home.calibration.exists():
        yield CALIBRATION, lab.home.calibration.read_bytes()
    for part, digest in dict.fromkeys((one.part, one.sha256) for one in documents):
        yield part, _upload(lab, digest)
    for name in dict.fromkeys(column.adapter for column in evaluation.columns if column.adapter):
        run = lab.adapter(name).run
        if run is None:  # a server keeps its adapters to itself
            continue
        weights, config = adapter_parts(name)
        yield weights, (run.adapter / WEIGHTS).read_bytes()
        named = {"base_model_name_or_path": public_name(run.checkpoint)}
        yield config, _json(read_json(run.adapter / CONFIG) | named)


def _searches(evaluation: Evaluation) -> bool:
    return any(column.method in ("rag", "hybrid") for column in evaluation.columns)


def _documents(lab: Lab) -> tuple[BundledDocument, ...]:
    """Return the documents as they were added: of equals, a search puts the older one first."""
    chosen = (
        *(DocumentRow.name, DocumentRow.sha256),
        *(DocumentRow.passage_tokens, DocumentRow.overlap_tokens),
    )
    with lab.database.session() as session:
        rows = session.execute(sa.select(*chosen).order_by(DocumentRow.id)).all()
    if len(rows) > MOST_PARTS // 2:
        raise RagtuneError(
            f"There are {len(rows):,} documents; a bundle holds at most {MOST_PARTS // 2:,}."
        )
    return tuple(BundledDocument(*row) for row in rows)


def _upload(lab: Lab, digest: str) -> bytes:
    file = lab.home.uploads / digest
    data = file.read_bytes() if file.exists() else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise RagtuneError(f"{file} is missing or damaged: add its document again, then bundle.")
    return data


def _put(archive: zipfile.ZipFile, part: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(part, _NO_DATE)
    entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
    archive.writestr(entry, data, zipfile.ZIP_STORED)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace")
