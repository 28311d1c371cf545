"""Exams: list, build, import and check them."""

import argparse
import dataclasses
import sys
from pathlib import Path

from commands.exam_file import read_named_exam
from commands.options import field_and_column, json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress, show
from workbench.errors import RagtuneError

_ROWS_SHOWN = 10


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    exams = parsers.command("exams", _exams, "list, build, import or check exams")
    kinds = exams.add_subparsers(title="commands", metavar="COMMAND")
    making = kinds.add_parser("build", help="from the documents", parents=[parsers.common])
    making.add_argument("--name", default="exam", metavar="N", help="the exam's (default: exam)")
    making.add_argument(
        "--run",
        dest="trained_by",  # run is what the command does
        metavar="RUN",
        help="whose training it is held against (default: all examples)",
    )
    for pool, size, meaning in (
        ("trained", 30, "that were trained on, in other words"),
        ("untrained", 30, "that were not trained on"),
        ("unanswerable", 12, "that the documents don't say"),
    ):
        making.add_argument(
            f"--{pool}",
            type=int,
            default=size,
            metavar="N",
            help=f"questions about facts {meaning} (default: {size})",
        )
    making.set_defaults(run=_exams_build)
    taking = kinds.add_parser("import", help="from CSV or JSONL", parents=[parsers.common])
    taking.add_argument("file", type=Path, metavar="FILE")
    taking.add_argument("--name", metavar="N", help="the exam's (default: the file's)")
    taking.add_argument(
        "--column",
        action="append",
        default=[],
        type=field_and_column,
        metavar="FIELD=COLUMN",
        help="where a column of a CSV file has another name, e.g. answers=Antwort; repeatable",
    )
    taking.add_argument(
        "--mark", default="|", metavar="M", help="between answers in one cell (default: |)"
    )
    taking.set_defaults(run=_exams_import)
    leaking = kinds.add_parser("check", help="find what was trained on", parents=[parsers.common])
    leaking.add_argument("exam", metavar="EXAM", help="a kept exam's name, or a file")
    leaking.add_argument(
        "--run", dest="trained_by", metavar="RUN", help="by which run (default: all examples)"
    )
    leaking.set_defaults(run=_exams_check)


def _exams(options: argparse.Namespace) -> None:
    from comparison.exams.kept import list_exams

    rows = [
        {"name": exam.name, "questions": exam.questions, **exam.pools, "trouble": exam.trouble}
        for exam in list_exams(lab_of(options).home)
    ]
    columns = ["name", "questions", "trained", "untrained", "unanswerable"]
    columns += ["trouble"] if any(row["trouble"] for row in rows) else []
    show(options, rows, columns, "No exams yet: `ragtune exams build`.")


def _exams_build(options: argparse.Namespace) -> None:
    from comparison.exams.build import follow_building, start_building
    from comparison.exams.wanted import Wanted

    lab = lab_of(options)
    sizes = (options.trained, options.untrained, options.unanswerable)
    start_building(lab, Wanted(options.name, options.trained_by, *sizes))
    try:
        done = follow_building(lab.home, progress.show)
    finally:
        progress.end()
    for sentence in done.fewer():
        print(sentence, file=sys.stderr)
    _tell_exam(options, done.name, done.pools)


def _exams_import(options: argparse.Namespace) -> None:
    from comparison.exams.kept import free_name, save_exam
    from comparison.exams.received import nearly_alike, receive
    from finetune_backend.examples.read import check_size

    try:
        check_size(options.file.stat().st_size, options.file.name)
        data = options.file.read_bytes()
    except OSError as error:
        raise RagtuneError(f"{options.file} can't be read: {error.strerror}.") from error
    columns: dict[str, list[str]] = {}
    for field, column in options.column:
        columns.setdefault(field, []).append(column)
    received = receive(data, options.file.name, columns, options.mark)
    for said in received.told():
        print(said, file=sys.stderr)
    alike = nearly_alike(received.questions)
    for question, beside in alike[:_ROWS_SHOWN]:
        print(f"nearly alike: {question}  [{beside}]", file=sys.stderr)
    home = lab_of(options).home
    name = options.name or free_name(home, options.file.stem)
    save_exam(home, name, received.questions)
    counts = {
        "questions": len(received.questions),
        "rejected": len(received.rejected),
        "joined": len(received.joined),
        "alike": len(alike),
    }
    _tell_exam(options, name, counts)


def _tell_exam(options: argparse.Namespace, name: str, counts: dict[str, int]) -> None:
    if json_wanted(options):
        print_json({"exam": name, **counts})
    else:
        print(f"exam {name}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))


def _exams_check(options: argparse.Namespace) -> None:
    from comparison.exams.leaks import find_leaks, leak_sentence, training_of
    from comparison.exams.received import receive

    lab = lab_of(options)
    data, file = read_named_exam(lab.home, options.exam)
    questions = [one.question for one in receive(data, file).questions]
    training = training_of(lab, options.trained_by)
    leaks = find_leaks(questions, training)
    sentence = leak_sentence(leaks, len(questions), training.said)
    if json_wanted(options):
        rows = [dataclasses.asdict(leak) | {"place": leak.place + 1} for leak in leaks]
        print_json({"questions": len(questions), "sentence": sentence, "leaks": rows})
        return
    print(sentence)
    for leak in leaks[:_ROWS_SHOWN]:
        print(f"    question {leak.place + 1}: {leak.question}  [{leak.beside}]")
    if len(leaks) > _ROWS_SHOWN:
        print(f"    and {len(leaks) - _ROWS_SHOWN} more; --json lists them all")
