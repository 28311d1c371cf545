"""Documents: add, watch, list, remove and search them; calibrate where answers are declined."""

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.options import for_this_call, json_wanted, lab_of, only, only_options
from commands.parsers import Parsers
from commands.shown import indented, print_json, progress, show
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from rag_backend.knowledge_base import KnowledgeBase

_WATCH_SECONDS = 2.0


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    adding = parsers.command(
        "add", _add, "add files or folders to the knowledge base and index them"
    )
    adding.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="without one: index what waits for it"
    )
    adding.add_argument("--preview", action="store_true", help="show the passages, and add nothing")
    parsers.command("duplicates", _duplicates, "find passages that say almost the same")
    watching = parsers.command("watch", _watch, "keep a folder's files in the knowledge base")
    watching.add_argument("folder", type=Path, metavar="FOLDER")
    parsers.command("documents", _documents, "list the documents")
    remove = parsers.command("remove", _remove, "remove documents")
    remove.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a document, or an archive or folder with all of it",
    )
    search = parsers.command("search", _search, "search the documents")
    search.add_argument("question", metavar="QUESTION")
    only_options(search)
    for_this_call(search)
    search.add_argument(
        "-k", type=int, metavar="N", help="passages (default: as setting retrieved says)"
    )
    calibrating = parsers.command(
        "calibrate", _calibrate, "find from the examples where RAG and hybrid should decline"
    )
    calibrating.add_argument(
        "--forget", action="store_true", help="go back to the calibration that came along"
    )


def _add(options: argparse.Namespace) -> int:
    from rag_backend.documents import read_file

    if options.preview:
        return _preview(options)
    base = lab_of(options).knowledge_base
    if not options.paths and not base.incoming.waiting():
        raise RagtuneError("Nothing waits to be indexed. Name files or folders to add.")
    numbers = []
    files, results = _files(options.paths)
    for file, name in files:
        try:
            numbers.append(base.incoming.put(name, read_file(file)))
        except RagtuneError as error:
            results.append(_refused(file, error))
    try:
        results += _indexed(base)
    finally:
        base.incoming.cancel(numbers)  # where it was stopped before their end
        base.incoming.forget(numbers)
    return _tell_added(options, results)


def _files(paths: list[Path]) -> tuple[list[tuple[Path, str]], list[dict[str, Any]]]:
    """Return the files that paths lead to, each with its document's name, and what was refused.

    What is left out is told at once.
    """
    from rag_backend.documents import READABLE, files_under, left_out_sentence, named_apart

    files, left_out, refused = [], [], []
    for path in paths:
        try:
            found, others = files_under(path)
            if not found:
                types = ", ".join(READABLE)
                raise RagtuneError(f"{path} holds no file of a supported type ({types}).")
        except RagtuneError as error:
            refused.append(_refused(path, error))
        else:
            files += found
            left_out += others
    if left_out:
        print(left_out_sentence(left_out), file=sys.stderr)
    return named_apart(files), refused


def _refused(path: Path, error: RagtuneError) -> dict[str, Any]:
    return {"name": str(path), "change": "refused", "reason": str(error)}


def _preview(options: argparse.Namespace) -> int:
    from rag_backend.documents import read_file

    if not options.paths:
        raise RagtuneError("Nothing was given to preview. Name files or folders.")
    lab, shown = lab_of(options), list[dict[str, Any]]()
    sizes = lab.settings.passage_tokens, lab.settings.overlap_tokens
    files, refused = _files(options.paths)
    for file, name in files:
        try:
            made = lab.knowledge_base.preview(read_file(file), name, *sizes)
        except RagtuneError as error:
            refused.append(_refused(file, error))
        else:
            passages = [{**dataclasses.asdict(one), "tokens": tokens} for one, tokens in made]
            shown.append({"name": name, "passages": passages})
    if json_wanted(options):
        print_json(shown)
    else:
        for one in shown:
            _print_passages(one["name"], one["passages"])
    for one in refused:
        print(f"ragtune: {one['reason']}", file=sys.stderr)
    return 1 if refused else 0


def _print_passages(name: str, passages: list[dict[str, Any]]) -> None:
    print(f"── {name}: {len(passages):,} passages")
    for number, passage in enumerate(passages, start=1):
        page = [f"page {passage['page']}"] if passage["page"] else []
        where = (f"[{number}] {passage['tokens']} tokens", *page, *passage["headings"])
        print(f"{' › '.join(where)}\n{indented(passage['text'])}\n")


def _duplicates(options: argparse.Namespace) -> None:
    from rag_backend.index.duplicates import near_duplicates

    lab = lab_of(options)
    try:
        pairs = near_duplicates(lab.database, lab.knowledge_base.index, progress=progress.show)
    finally:
        progress.end()
    if json_wanted(options):
        print_json([dataclasses.asdict(pair) for pair in pairs])
        return
    if not pairs:
        print("No two passages say almost the same.")
    for pair in pairs:
        print(f"{pair.shared:4.0%} of the words are shared")
        for document, text in zip(pair.documents, pair.texts, strict=True):
            print(f"  {document}\n{indented(text)}")


def _watch(options: argparse.Namespace) -> None:
    from rag_backend.ingest.watch import scan, unwatch, watch, watched

    base = lab_of(options).knowledge_base
    before, told = watched(base), ""
    folder = watch(base, options.folder)
    print(f"watching {folder}; Ctrl-C ends it", file=sys.stderr)
    try:
        while True:
            seen = scan(base, folder)
            if seen.trouble and seen.trouble != told:
                print(f"ragtune: {seen.trouble}", file=sys.stderr)
            told = seen.trouble
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
        files = base.work(progress.show)
    finally:
        progress.end()
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
    if json_wanted(options):
        print_json(results)
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
    base = lab_of(options).knowledge_base
    documents = [dataclasses.asdict(document) for document in base.documents()]
    columns = ("name", "pages", "passages", "size_bytes", "added_at")
    waiting = base.incoming.waiting()
    none = base.missing() if waiting else "No documents yet: `ragtune add PATH`."
    show(options, documents, columns, none)


def _remove(options: argparse.Namespace) -> None:
    names = lab_of(options).knowledge_base.remove(*options.names)
    if json_wanted(options):
        print_json({"removed": names})
    else:
        print("\n".join(f"removed   {name}" for name in names))


def _search(options: argparse.Namespace) -> None:
    from rag_backend.search.find import find
    from workbench.language_models.prompts import check_question

    lab, question = lab_of(options, options.set), check_question(options.question)
    settings = lab.settings
    if options.k is not None:
        if not 1 <= options.k <= 1000:
            raise RagtuneError(f"-k is {options.k}; a number from 1 to 1000 was expected.")
        read = min(settings.read, options.k)
        settings = dataclasses.replace(settings, retrieved=options.k, read=read)
    base = lab.knowledge_base
    if base.incoming.waiting() and (why := base.missing()):
        raise RagtuneError(why)
    found = find(base.index, question, settings, only(options, base)).sources
    if json_wanted(options):
        print_json([dataclasses.asdict(source) for source in found])
        return
    if not found:
        print("Nothing found.")
    for source in found:
        page = f", page {source.page}" if source.page else ""
        print(f"{source.score:.3f}  {source.document}{page}\n{indented(source.text)}\n")


def _calibrate(options: argparse.Namespace) -> None:
    from comparison.calibrate import calibrate

    lab = lab_of(options)
    if options.forget:
        lab.knowledge_base.keep_calibration(None)
        made = lab.knowledge_base.calibration()
    else:
        try:
            made = calibrate(lab, progress.show)
        finally:
            progress.end()
    decline = lab.settings.decline
    threshold = lab.knowledge_base.threshold(decline)
    if json_wanted(options):
        print_json({"questions": made.questions, "threshold": threshold})
        return
    told = "nothing is declined (setting decline is 0)."
    if threshold is not None:
        told = f"below {threshold:.2f} an answer is declined, as {decline:.0%} of them would be "
        told += "(setting decline)."
    print(f"From {made.questions:,} questions: {told}")
