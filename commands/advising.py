"""Which method to use, what it costs, and the prices that costs are counted with."""

import argparse
import dataclasses
from typing import TypeVar

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, show

T = TypeVar("T")
_PRICES = (
    ("machine-hour", "the price of an hour of the machine"),
    ("tokens-read", "the price of a million tokens read, on a server"),
    ("tokens-written", "the price of a million tokens written, on a server"),
)


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    _advise_options(
        parsers.command("advise", _advise, "say which method to use, and what it costs")
    )
    prices = parsers.command(
        "prices", _prices, "show or set what the machine and a server's tokens cost"
    )
    for name, meaning in _PRICES:
        prices.add_argument(f"--{name}", metavar="PRICE", help=f"{meaning}; 0: not known")


def _advise(options: argparse.Namespace) -> None:
    from comparison.advice.advise import advise
    from comparison.advice.gather import find_evidence
    from comparison.advice.report import as_json, to_terminal
    from comparison.advice.rules import Situation
    from comparison.advice.use import Use
    from comparison.prices import load_prices

    lab = lab_of(options)
    use, prices = _with_given(Use(), options), _with_given(load_prices(lab.home), options)
    situation = Situation(use, find_evidence(lab, options.evaluation), prices)
    advice = advise(situation)
    if json_wanted(options):
        print_json(as_json(advice, situation))
    else:
        print(to_terminal(advice, situation))


def _prices(options: argparse.Namespace) -> None:
    from comparison.prices import load_prices, save_prices

    home = lab_of(options).home
    before = load_prices(home)
    prices = _with_given(before, options)
    if prices != before:
        save_prices(home, prices)
    if json_wanted(options):
        print_json(dataclasses.asdict(prices))
        return
    rows = [
        {
            "price": field.name,
            "paid": getattr(prices, field.name) or None,
            "meaning": field.metadata["meaning"],
        }
        for field in dataclasses.fields(prices)
    ]
    show(options, rows, ["price", "paid", "meaning"], "")


def _with_given(before: T, options: argparse.Namespace) -> T:
    """Return settings with what was given in place of what they say."""
    from workbench.settings import from_text

    names = [field.name for field in dataclasses.fields(before)]  # type: ignore[arg-type]
    values = {name: getattr(before, name) for name in names}
    values |= {name: text for name in names if (text := getattr(options, name)) is not None}
    return from_text(type(before), [f"{name}={value}" for name, value in values.items()])


def _advise_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evaluation",
        metavar="NAME_OR_FILE",
        help="one that is kept, or a file that `ragtune evaluate --json` printed "
        "(default: the newest complete one that is kept)",
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
        *((name, f"{meaning} (default: as `ragtune prices` has it)") for name, meaning in _PRICES),
    ):
        parser.add_argument(f"--{name}", metavar="ANSWER", help=meaning)
