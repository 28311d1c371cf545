"""Adapters: list, import and export them."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.serving import be_patient
from commands.shown import print_json, progress, show

if TYPE_CHECKING:
    from finetune_backend.runs import Run


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    adapters = parsers.command(
        "adapters", _adapters, "list adapters with their settings and measures"
    )
    more = adapters.add_subparsers(title="commands", metavar="COMMAND")
    taking = more.add_parser(
        "import", help="an adapter that was made elsewhere, with PEFT", parents=[parsers.common]
    )
    taking.add_argument(
        "folder", type=Path, metavar="FOLDER", help="a PEFT folder, or a zip file of one"
    )
    taking.add_argument("--name", metavar="N", help="the adapter's name here")
    taking.add_argument(
        "--anyway", action="store_true", help="also where it names another base model, if it fits"
    )
    taking.set_defaults(run=_adapters_import)
    export = parsers.command("export", _export, "write an adapter for other programs, and check it")
    export.add_argument("name", metavar="NAME")
    export.add_argument("target", type=Path, metavar="FOLDER_OR_FILE")
    export.add_argument(
        "--as",
        dest="form",
        default="peft",
        metavar="FORM",
        help="peft (a folder, the default), merged (a folder for transformers) or gguf (a file)",
    )
    export.add_argument(
        "--precision",
        default="",
        metavar="P",
        help="merged: float16 or bfloat16 (default: as its base, or what loses less); "
        "gguf: float16 (default) or q8_0",
    )


def _adapters(options: argparse.Namespace) -> None:
    from finetune_backend.runs import list_runs

    lab = lab_of(options)
    empty = "No adapters yet: `ragtune train`."
    if lab.settings.server:
        empty = f"{lab.settings.server} offers no other models than {lab.settings.model}."
        rows = [_served_row(lab.settings.model, adapter.name) for adapter in lab.adapters()]
    else:
        rows = [adapter_row(run) for run in list_runs(lab.home) if run.complete]
    columns = ("name", "model", "examples", "facts", "loss", "seconds")
    if not json_wanted(options):
        rows = [{**row, **(row["measures"] or {})} for row in rows]
    show(options, rows, columns, empty)


def adapter_row(run: "Run") -> dict[str, Any]:
    return {
        "name": run.name,
        "model": run.checkpoint,
        "folder": str(run.adapter) if run.complete else None,
        # What an adapter that was made elsewhere learned from is not known.
        "examples": None if run.imported else run.examples,
        "facts": None if run.imported else run.facts,
        "settings": dataclasses.asdict(run.settings),
        "measures": run.measures,
        "forgetting": [dataclasses.asdict(change) for change in run.forgetting],
        "sha256": run.adapter_sha256,
    }


def _served_row(model: str, name: str) -> dict[str, Any]:
    unknown = ("folder", "examples", "facts", "settings", "measures", "forgetting", "sha256")
    return {"name": name, "model": model, **dict.fromkeys(unknown)}


def _adapters_import(options: argparse.Namespace) -> None:
    from finetune_backend.exports.adopt import import_adapter
    from finetune_backend.exports.received import read_path

    lab, received = lab_of(options), read_path(options.folder)
    progress.show("checking that it fits, and that it changes what the model says", 0.0)
    try:
        run = import_adapter(lab.home, lab.checkpoint(), received, options.name, options.anyway)
    finally:
        progress.end()
    if json_wanted(options):
        print_json(adapter_row(run))
    else:
        print(f"imported  {run.name}, for {run.checkpoint}: rank {run.settings.rank}")


def _export(options: argparse.Namespace) -> None:
    be_patient()
    from finetune_backend.exports.export import card_of, check_form, export
    from finetune_backend.runs import find_run

    check_form(options.form, options.precision)
    run = find_run(lab_of(options).home, options.name)
    try:
        made = export(run, options.target, options.form, options.precision, progress.show)
    finally:
        progress.end()
    if json_wanted(options):
        print_json({**dataclasses.asdict(made), "place": str(made.place)})
    else:
        print(f"exported  {made.place}, {made.size_bytes / 1e6:,.1f} MB, {made.precision}")
        print(f"    {made.sentence()}")
        print(f"card      {card_of(made.place, made.form)}")
