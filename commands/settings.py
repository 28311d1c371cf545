"""Settings: show what all methods share, change and reset it."""

import argparse
import dataclasses
import json
from typing import Any

from commands.options import json_wanted, lab_of, set_option
from commands.parsers import Parsers
from commands.shown import indented, print_json


def add(parsers: Parsers) -> None:
    """Declare the command."""
    settings = parsers.command("settings", _settings, "show or change what all methods share")
    set_option(settings, "keep another value, e.g. reranker= or read=2; may be repeated")
    settings.add_argument(
        "--reset", action="store_true", help="go back to the defaults, but for what --set says"
    )


def _settings(options: argparse.Namespace) -> None:
    from workbench.settings import Settings, from_text

    lab = lab_of(options)
    if options.reset or options.set:
        before = Settings() if options.reset else lab.settings
        lab.change_settings(from_text(Settings, options.set, before))
    now = lab.settings
    rows = [
        {
            "setting": field.name,
            "value": getattr(now, field.name),
            "default": field.default,
            "meaning": field.metadata["meaning"],
        }
        for field in dataclasses.fields(now)
    ]
    if json_wanted(options):
        print_json(rows)
        return
    for row in rows:
        value, usual = _written(row["value"]), _written(row["default"])
        default = "" if value == usual else f"  (default: {usual})"
        print(f"{row['setting']} = {value}{default}\n{indented(row['meaning'])}")


def _written(value: Any) -> str:
    """Write a value on one line; what could not be seen there is quoted."""
    text = str(value)
    return text if text and text.isprintable() else json.dumps(text, ensure_ascii=False)
