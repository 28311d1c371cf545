"""Exports in a process of their own, for the page: ``python -m finetune_backend.exports.process``.

The job's folder is inside the run's, and goes with it.
"""

import dataclasses
import shutil
import sys
import zipfile
from pathlib import Path

from finetune_backend.exports.check import Check
from finetune_backend.exports.export import Exported, check_form, export
from finetune_backend.runs import Run, read_run
from workbench import jobs
from workbench.files import read_json, sync_folder, write_json, writing
from workbench.home import Home

_STARTING_SECONDS = 10.0
_RESULT, _WANTED = "result.json", "wanted.json"


def start_export(home: Home, run: Run, form: str, precision: str = "") -> Path:
    """Start an export, or leave it running, and return its job's folder.

    Raises:
        RagtuneError: there is no such form of export, or the disk is full.
    """
    check_form(form, precision)
    folder = export_folder(run, form, precision)
    with home.lock("start-export", _STARTING_SECONDS, "Another export is being started."):
        if not jobs.at_work(folder):
            with writing(folder):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
            write_json(folder / _WANTED, {"form": form, "precision": precision})
            jobs.start(folder, "finetune_backend.exports.process")
    return folder


def export_folder(run: Run, form: str, precision: str = "") -> Path:
    """Return an export's job folder; its name is that of no other run's."""
    kind = "-".join(filter(None, (form, precision)))
    return run.folder / "exports" / f"{run.name}.{kind}"


def read_export(run: Run, form: str, precision: str = "") -> Exported | None:
    """Return an export that is ready to be taken; None where there is none."""
    result = export_folder(run, form, precision) / _RESULT
    if not result.exists():
        return None
    saved = read_json(result)
    place = result.with_name(saved["place"])
    return Exported(**{**saved, "place": place, "check": Check(**saved["check"])})


def delete_export(run: Run, form: str, precision: str = "") -> None:
    """Delete an export that is ready."""
    shutil.rmtree(export_folder(run, form, precision))


def _work(folder: Path) -> None:
    with jobs.working(folder) as job:
        run, wanted = read_run(folder.parent.parent), read_json(folder / _WANTED)
        form = wanted["form"]
        suffix = ".gguf" if form == "gguf" else ""
        made = export(run, folder / f"{run.name}{suffix}", form, wanted["precision"], job.say)
        file = made.place
        if file.is_dir():
            job.say("Packing", 1.0)
            file = _packed(file)
        saved = dataclasses.asdict(made)
        size = file.stat().st_size
        write_json(folder / _RESULT, saved | {"place": file.name, "size_bytes": size})


def _packed(made: Path) -> Path:
    """Turn a folder into a zip file beside it; weights don't get smaller, so nothing is packed."""
    archive = made.with_name(f"{made.name}.zip")
    with writing(archive), zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(made.rglob("*")):
            packed.write(file, file.relative_to(made.parent))
    shutil.rmtree(made)
    sync_folder(archive.parent)
    return archive


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
