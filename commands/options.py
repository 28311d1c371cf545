"""Options that several commands share, and what they mean."""

import argparse
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparison.lab import Lab
    from rag_backend.knowledge_base import KnowledgeBase
    from rag_backend.search.only import Only

METHODS = "base,rag,finetuned,hybrid"


def field_and_column(text: str) -> tuple[str, str]:
    field, found, column = text.partition("=")
    if not found:
        raise ValueError(text)
    return field.strip(), column


def method_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    parser.add_argument("--methods", default=METHODS, metavar="LIST", help=f"some of {METHODS}")
    more = "; repeatable, each has its own columns" if several else ""
    parser.add_argument(
        "--adapter",
        action="append" if several else "store",
        metavar="N",
        help=f"adapter (default: the newest); on a server, another of its models{more}",
    )


def only_options(parser: argparse.ArgumentParser) -> None:
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


def only(options: argparse.Namespace, base: "KnowledgeBase") -> "Only":
    """Return what a search is limited to; raises RagtuneError where there is no such document."""
    from rag_backend.search.only import Only

    types = [f".{one.lower().lstrip('.')}" for one in options.type]
    wanted = Only(tuple(options.document), tuple(types), options.since)
    if names := [document.name for document in base.documents()]:
        wanted.check(names)
    return wanted


def set_option(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=meaning)


def for_this_call(parser: argparse.ArgumentParser) -> None:
    """Let settings be other ones for one call; see `lab_of`."""
    set_option(parser, "a setting for this call, e.g. reranker= or read=2; may be repeated")


def lab_of(options: argparse.Namespace, changes: Sequence[str] = ()) -> "Lab":
    """Return the lab in the home that was chosen; see `comparison.lab.open_lab`."""
    from comparison.lab import open_lab

    return open_lab(getattr(options, "home", None), changes)


def json_wanted(options: argparse.Namespace) -> bool:
    return getattr(options, "json", False)
