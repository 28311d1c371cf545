"""Training examples: make, import, check, split and export them."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.exam_file import read_named_exam
from commands.options import field_and_column, json_wanted, lab_of
from commands.parsers import Parsers
from commands.shown import print_json, progress
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from finetune_backend.examples.split import Split
    from workbench.values import Example

_ROWS_SHOWN = 10


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    examples = parsers.commands.add_parser(
        "examples", help="make, import, check, split or export training examples"
    )
    kinds = examples.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = kinds.add_parser("build", help="from the documents", parents=[parsers.common])
    build.add_argument(
        "--found-only",
        action="store_true",
        help="only the questions that the documents contain; write none",
    )
    build.set_defaults(run=_examples_build)
    read = kinds.add_parser(
        "import", help="from CSV, JSONL, JSON or Parquet", parents=[parsers.common]
    )
    read.add_argument("file", type=Path, metavar="FILE")
    read.add_argument(
        "--column",
        action="append",
        default=[],
        type=field_and_column,
        metavar="FIELD=COLUMN",
        help="where a column has another name, e.g. question=Frage; repeatable",
    )
    read.set_defaults(run=_examples_import)
    write = kinds.add_parser("export", help="to CSV or JSONL", parents=[parsers.common])
    write.add_argument("file", type=Path, metavar="FILE")
    write.set_defaults(run=_examples_export)

    check = kinds.add_parser("check", help="say what is wrong with them", parents=[parsers.common])
    check.add_argument(
        "--exam", metavar="EXAM", help="find those that ask what this file or kept exam asks"
    )
    check.set_defaults(run=_examples_check)

    parting = kinds.add_parser(
        "split",
        help="into train, validation and test: to files in a folder, or to exams",
        parents=[parsers.common],
    )
    parting.add_argument("folder", type=Path, nargs="?", metavar="FOLDER")
    parting.add_argument(
        "--keep",
        action="store_true",
        help="keep validation and test as exams, and set their rows aside: train leaves them out",
    )
    parting.add_argument(
        "--by",
        choices=("fact", "document", "label"),
        help="what is never parted; label: each part gets all labels (default: fact, or label "
        "where few short answers have many questions)",
    )
    parting.add_argument(
        "--shares",
        type=_percentages,
        default="80,10,10",
        metavar="A,B,C",
        help="percent of train, validation and test (default: 80,10,10)",
    )
    parting.add_argument("--seed", type=int, default=0, metavar="N", help="of the random choice")
    parting.set_defaults(run=_examples_split)


def _examples_build(options: argparse.Namespace) -> None:
    from comparison.write_examples import follow_writing, found_examples
    from finetune_backend.examples.store import add_examples

    lab = lab_of(options)
    found = found_examples(lab)
    counts = {"found": len(found), "new": add_examples(lab.database, found)}
    if not options.found_only and not lab.knowledge_base.empty():
        try:
            done = follow_writing(lab.home, progress.show)
        finally:
            progress.end()
        counts["written"] = done.examples
        for reason, count in done.rejected.items():
            print(f"{count} questions left out: {reason}", file=sys.stderr)
    _tell_examples(options, counts)


def _examples_import(options: argparse.Namespace) -> None:
    from finetune_backend.examples.read import check_size, read_examples
    from finetune_backend.examples.store import add_examples

    try:
        check_size(options.file.stat().st_size, options.file.name)
        data = options.file.read_bytes()
    except OSError as error:
        raise RagtuneError(f"{options.file} can't be read: {error.strerror}.") from error
    read = read_examples(data, options.file.name, dict(options.column))
    new = add_examples(lab_of(options).database, read.examples)
    for row in read.rejected:
        print(f"row {row.row} left out: {row.reason}", file=sys.stderr)
    counts = {"found": len(read.examples), "new": new, "rejected": len(read.rejected)}
    _tell_examples(options, counts)


def _examples_export(options: argparse.Namespace) -> None:
    from finetune_backend.examples.store import list_examples
    from finetune_backend.examples.write import to_csv, to_jsonl
    from workbench.files import write_bytes

    writers: dict[str, Callable[[list[Example]], str]] = {
        ".csv": to_csv,
        ".jsonl": partial(to_jsonl, passages=True),
    }
    writer = writers.get(options.file.suffix.lower())
    if writer is None:
        raise RagtuneError(f"{options.file.name} was given; a .csv or .jsonl file was expected.")
    examples = list_examples(lab_of(options).database)
    # Excel takes UTF-8 without a mark at its start for something else.
    encoding = "utf-8-sig" if writer is to_csv else "utf-8"
    write_bytes(options.file, writer(examples).encode(encoding))
    _tell_examples(options, {"exported": len(examples)})


def _examples_check(options: argparse.Namespace) -> None:
    from comparison.check_examples import as_json, check_examples
    from comparison.exams.received import receive
    from finetune_backend.examples.store import list_examples
    from finetune_backend.examples.wording import shorten

    lab, held_out = lab_of(options), list[str]()
    if options.exam:
        data, name = read_named_exam(lab.home, options.exam)
        held_out = [one.question for one in receive(data, name).questions]
    examples = list_examples(lab.database)
    checked = check_examples(lab, examples, held_out)
    if json_wanted(options):
        print_json(as_json(checked, examples))
        return
    for finding in checked.findings:
        print(finding.sentence)
        for row, beside in list(zip(finding.rows, finding.beside, strict=True))[:_ROWS_SHOWN]:
            question, other = shorten(examples[row].question), shorten(beside)
            print(f"    row {row + 1}: {question}  [{other}]")
        if len(finding.rows) > _ROWS_SHOWN:
            print(f"    and {len(finding.rows) - _ROWS_SHOWN} more; --json lists them all")
    for warning in checked.warnings:
        print(warning)
    if not examples:
        print("No examples yet.")
    elif not checked.findings and not checked.warnings:
        print(f"Nothing is wrong with {len(examples)} examples.")
    if checked.exposures:
        print(f"With the preset each fact is seen {checked.exposures.median:g} times (median).")


def _examples_split(options: argparse.Namespace) -> None:
    from comparison.split_examples import keep_split
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.split import PARTS, split, usual_by
    from finetune_backend.examples.store import list_examples

    if not (options.folder or options.keep):
        raise RagtuneError("Nothing to do: name a FOLDER for the files, or give --keep, or both.")
    if options.folder and options.folder.exists() and not options.folder.is_dir():
        raise RagtuneError(f"{options.folder} is a file; a folder was expected.")
    lab = lab_of(options)
    examples = to_train_on(list_examples(lab.database))
    by = options.by or usual_by(examples)
    made = split(examples, by, options.shares, options.seed)
    if not options.by:
        print(f"split by {by}", file=sys.stderr)
    if options.folder:
        _write_parts(options.folder, made)
    counts: dict[str, Any] = {part: len(getattr(made, part)) for part in PARTS}
    if not options.keep:
        _tell_examples(options, counts)
        return
    kept = keep_split(lab, made)
    if json_wanted(options):
        print_json(counts | {"exams": kept.exams})
    else:
        print(f"{kept.sentence()}.")


def _write_parts(folder: Path, made: "Split") -> None:
    from finetune_backend.examples.split import to_exam
    from finetune_backend.examples.write import to_jsonl
    from workbench.files import write_bytes, writing

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # The others are written as exams, which `ragtune evaluate` asks.
    for name, text in (
        ("train.jsonl", to_jsonl(made.train)),
        ("validation.jsonl", to_exam(made.validation, made.labels)),
        ("test.jsonl", to_exam(made.test, made.labels)),
    ):
        write_bytes(folder / name, text.encode())


def _tell_examples(options: argparse.Namespace, counts: dict[str, int]) -> None:
    if json_wanted(options):
        print_json(counts)
    else:
        print(", ".join(f"{count} {kind}" for kind, count in counts.items()))


def _percentages(text: str) -> list[float]:
    return [float(part) / 100 for part in text.split(",")]
