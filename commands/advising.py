"""Which method to use, and what it costs."""

import argparse
import dataclasses
from typing import Any

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    _advise_options(
        parsers.command("advise", _advise, "say which method to use, and what it costs")
    )


def _advise(options: argparse.Namespace) -> None:
    from comparison.advice.advise import advise
    from comparison.advice.break_even import Prices
    from comparison.advice.gather import find_evidence
    from comparison.advice.report import as_json, to_terminal
    from comparison.advice.rules import Situation
    from comparison.advice.use import Use
    from workbench.settings import from_text

    def given(kind: Any) -> Any:
        names = [field.name for field in dataclasses.fields(kind)]
        answers = {name: getattr(options, name) for name in names}
        return from_text(
            kind, [f"{name}={text}" for name, text in answers.items() if text is not None]
        )

    use, prices = given(Use), given(Prices)
    situation = Situation(use, find_evidence(lab_of(options), options.evaluation), prices)
    advice = advise(situation)
    if json_wanted(options):
        print_json(as_json(advice, situation))
    else:
        print(to_terminal(advice, situation))


def _advise_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evaluation",
        metavar="NAME_OR_FILE",
        help="one that is kept, or a file that `ragtune evaluate --json` printed "
        "(default: the newest that is kept)",
    )
    for name, meaning in (
        ("kind", "what has to be right about an answer: facts, form or both"),
        ("changes", "how often knowledge changes: never, yearly, monthly, weekly or daily"),
        ("domain", "narrow (a known set of facts is asked for) or broad"),
        ("questions", "how many there are in a month"),
        ("wait", "the most seconds that a person may wait"),
        ("sources", "whether an answer has to name its source: yes or no"),
        ("privacy", "open, stays (on this machine), or withdraw (documents can be taken back)"),
        ("hardware", "what will answer: here (as this machine), gpu, or served"),
        ("machine-hour", "the price of an hour of the machine"),
        ("tokens-read", "the price of a million tokens read, on a server"),
        ("tokens-written", "the price of a million tokens written, on a server"),
    ):
        parser.add_argument(f"--{name}", metavar="ANSWER", help=meaning)
