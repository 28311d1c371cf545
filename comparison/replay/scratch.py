"""A lab of its own for a bundle: its documents, settings and adapters, and a model that is here.

A bundle may come from anybody. So it never says which server is asked or which model is fetched:
the model and the reranker are those that came along or those in this machine's Settings, and only
where they are the bundle's.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

from comparison.lab import Lab
from comparison.replay.manifest import CALIBRATION, SETTINGS, BundledDocument, adapter_parts
from comparison.replay.unpack import Bundle
from finetune_backend.exports.adopt import import_adapter
from finetune_backend.exports.received import read_path
from rag_backend.documents import Progress
from rag_backend.verify.calibration import read_calibration
from workbench.errors import RagtuneError
from workbench.files import read_json
from workbench.home import open_home
from workbench.settings import (
    BUNDLED_RERANKER,
    DEFAULT_MODEL,
    Settings,
    from_mapping,
    save_settings,
)


@contextlib.contextmanager
def scratch_lab(own: Lab, bundle: Bundle, folder: Path, progress: Progress) -> Iterator[Lab]:
    """Make the lab that a bundle's answers came from, for as long as it is used.

    Args:
        own: the person's, which says what model there is on this machine.
        bundle: an unpacked one.
        folder: an empty one, where all of it is kept.
        progress: see `Progress`.

    Raises:
        RagtuneError: the model is another one, or a document or an adapter can't be used.
    """
    lab = Lab(open_home(folder))
    try:
        settings = _settings(own, bundle)
        save_settings(lab.home, settings)
        _check_model(lab, own, bundle)
        _add_documents(lab, settings, bundle, progress)
        calibration = bundle.folder / CALIBRATION
        if CALIBRATION in bundle.manifest.files:
            lab.knowledge_base.keep_calibration(read_calibration(calibration))
        for name in dict.fromkeys(column.adapter for column in bundle.evaluation.columns):
            if name and adapter_parts(name)[0] in bundle.manifest.files:
                progress(f"Checking the adapter {name}", 1.0)
                received = read_path((bundle.folder / adapter_parts(name)[0]).parent)
                import_adapter(lab.home, lab.checkpoint(), received, name, anyway=True)
        yield lab
    finally:
        lab.database.close()


def _settings(own: Lab, bundle: Bundle) -> Settings:
    """Return the bundle's settings, with the model of this machine that is the bundle's."""
    saved = read_json(bundle.folder / SETTINGS)
    if not isinstance(saved, dict):
        raise RagtuneError("The bundle's settings.json should hold one JSON object.")
    mine = own.settings
    found = ""
    with contextlib.suppress(RagtuneError):  # what the Settings name may be gone
        found = own.checkpoint().sha256
    here = {"model": DEFAULT_MODEL, "server": ""}
    if found == bundle.manifest.model_sha256:
        here = {"model": mine.model, "server": mine.server}
    # "auto" may lead to another engine here than it did there.
    if bundle.evaluation.conditions.get("the engine") == "transformers":
        here["engine"] = "transformers"
    settings = from_mapping(Settings, saved | here)
    if settings.reranker not in ("", BUNDLED_RERANKER, mine.reranker):
        raise RagtuneError(
            f"The answers of {bundle.evaluation.name!r} were found with the reranker "
            f"{settings.reranker!r}. Choose that one in Settings, then replay again."
        )
    return settings


def _check_model(lab: Lab, own: Lab, bundle: Bundle) -> None:
    wanted = bundle.manifest
    if lab.checkpoint().sha256 != wanted.model_sha256:
        raise RagtuneError(
            f"The answers of {wanted.evaluation!r} are by the model {wanted.model!r} (SHA-256 "
            f"{wanted.model_sha256[:16]}…), which is neither the bundled one nor that of the "
            f"Settings, {own.settings.model!r}. Choose it in Settings or with RAGTUNE_MODEL, then "
            "replay again."
        )


def _add_documents(lab: Lab, settings: Settings, bundle: Bundle, progress: Progress) -> None:
    """Index the documents in their order, each in passages of the size that it had."""

    def sizes(one: BundledDocument) -> tuple[int, int]:
        return one.passage_tokens, one.overlap_tokens

    base = lab.knowledge_base
    for (tokens, overlap), group in itertools.groupby(bundle.manifest.documents, sizes):
        sized = dataclasses.replace(settings, passage_tokens=tokens, overlap_tokens=overlap)
        save_settings(lab.home, sized)
        for one in group:
            base.incoming.put(one.name, (bundle.folder / one.part).read_bytes())
        refused = [file.message for file in base.work(progress) if not file.change]
        if refused:
            raise RagtuneError(f"A document of the bundle can't be used: {refused[0]}")
    save_settings(lab.home, settings)
