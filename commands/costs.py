"""What a fine-tune or a sweep will take, told before it starts."""

import argparse
import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from commands.options import json_wanted
from commands.shown import print_json, progress

if TYPE_CHECKING:
    from finetune_backend.estimate import Estimate


class OnlyEstimated(Exception):
    """It was only asked what it takes."""


def dry_run_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell what it would take, and start nothing"
    )


def cost_teller(options: argparse.Namespace, most: str = "") -> Callable[["Estimate"], None]:
    """Return what tells a cost; with ``--dry-run`` it raises `OnlyEstimated`.

    Args:
        options: of the command.
        most: "at most " where it may take less.
    """

    def tell(expected: "Estimate") -> None:
        progress.end()
        minutes, memory = expected.seconds / 60, expected.memory_gb
        said = f"estimated: {most}{minutes:.1f} min, {memory:.1f} GB of memory"
        if not options.dry_run:
            print(said, file=sys.stderr)
            return
        if json_wanted(options):
            print_json({"estimate": dataclasses.asdict(expected)})
        else:
            print(said)
        raise OnlyEstimated

    print("estimating …", file=sys.stderr, flush=True)
    return tell
