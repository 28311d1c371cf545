"""Hand an evaluation on: a report, a bundle, and asking that again."""

import argparse
from datetime import date
from pathlib import Path

from commands.options import json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, tell_written


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    reporting = parsers.command(
        "report", _report, "write an evaluation as HTML, Markdown, CSV and Parquet"
    )
    reporting.add_argument("name", metavar="EVALUATION")
    reporting.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to (default: EVALUATION-report)"
    )
    bundling = parsers.command(
        "bundle", _bundle, "write all that an evaluation's answers came from to one file"
    )
    bundling.add_argument("name", metavar="EVALUATION")
    bundling.add_argument("file", type=Path, metavar="FILE.zip")
    replaying = parsers.command(
        "replay", _replay, "ask all of a bundle again, and compare the answers"
    )
    replaying.add_argument("file", type=Path, metavar="FILE.zip")


def _report(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import find_evaluation
    from comparison.report.write import write_report

    lab = lab_of(options)
    evaluation = find_evaluation(lab.home, options.name)
    folder = options.out or Path(f"{evaluation.name}-report")
    tell_written(options, write_report(lab, evaluation, folder, date.today()))


def _bundle(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import find_evaluation
    from comparison.replay.bundle import save_bundle

    lab = lab_of(options)
    try:
        evaluation = find_evaluation(lab.home, options.name)
        made = save_bundle(lab, evaluation, options.file, progress.show)
    finally:
        progress.end()
    size = options.file.stat().st_size
    if json_wanted(options):
        print_json({"file": str(options.file), "bytes": size, "parts": made.files})
    else:
        print(f"bundled   {options.file}, {size / 1e6:,.1f} MB; not in it: the model {made.model}")


def _replay(options: argparse.Namespace) -> int:
    from comparison.replay.replay import as_json, replay

    try:
        made = replay(lab_of(options), options.file, progress.show)
    finally:
        progress.end()
    if json_wanted(options):
        print_json(as_json(made))
        return 1 if made.differences else 0
    print(made.sentence)
    for one in made.differences:
        print(f"question {one.number + 1}, {one.column}, differs in {' and '.join(one.differs)}")
        for when, text in (("was", one.was), ("now", one.now)):
            print(f"    {when}  {''.join(c if c.isprintable() else ' ' for c in text)}")
    for sentence in made.conditions:
        print(sentence)
    if made.differences and not made.conditions:
        print("Nothing else differs of what Ragtune records.")
    return 1 if made.differences else 0
