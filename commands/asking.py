"""One question to several methods, and the votes on such answers."""

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands.options import (
    for_this_call,
    json_wanted,
    lab_of,
    method_options,
    only,
    only_options,
)
from commands.parsers import Parsers
from commands.shown import indented, print_json, show, table

if TYPE_CHECKING:
    from comparison.answer import Answer
    from comparison.claims import Claim


def add(parsers: Parsers) -> None:
    """Declare the commands."""
    ask = parsers.command("ask", _ask, "ask one question to several methods")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument(
        "--after",
        action="append",
        default=[],
        metavar="Q",
        help="what was asked before, for a follow-up question; may be given several times",
    )
    method_options(ask, several=True)
    only_options(ask)
    for_this_call(ask)
    ask.add_argument(
        "--trace", action="store_true", help="print how each answer came about, step by step"
    )
    parsers.command("votes", _votes, "say how the blind votes on page Ask turned out")


def _ask(options: argparse.Namespace) -> int:
    from comparison.answer import as_json
    from comparison.ask import ask
    from comparison.claims import check_claims
    from comparison.columns import METHODS, columns_of
    from comparison.confounded import differences

    lab, answers, adapters = lab_of(options, options.set), [], options.adapter or [None]
    claims = {}
    columns = columns_of(options.methods.split(","), adapters)
    limits = only(options, lab.knowledge_base)
    with contextlib.closing(
        ask(lab, options.question, columns, earlier=options.after, only=limits)
    ) as growing:
        for answer in growing:
            if answer.done:
                answers.append(answer)
                looked_up = () if answer.column.searches else check_claims(lab, answer, limits)
                claims[answer.column] = looked_up
                if not json_wanted(options):
                    _print_answer(answer, claims[answer.column])
                    if options.trace:
                        _print_trace(answer)
    failed, differing = [one for one in answers if one.error], differences(answers)
    if json_wanted(options):
        order = {name: place for place, name in enumerate(adapters)}
        answers.sort(key=lambda one: (METHODS.index(one.method), order.get(one.adapter, 0)))
        told = [
            {**as_json(one), "claims": [dataclasses.asdict(c) for c in claims[one.column]]}
            for one in answers
        ]
        print_json({"question": options.question, "answers": told, "confounded": differing})
    elif answers[1:]:
        print(f"Confounded – {'; '.join(differing)}." if differing else "Equal conditions.")
    # One line for each reason, however many methods it struck.
    for error in dict.fromkeys(answer.error for answer in failed):
        struck = ", ".join(answer.method for answer in failed if answer.error == error)
        print(f"ragtune: {struck}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _print_answer(answer: "Answer", claims: Sequence["Claim"]) -> None:
    from rag_backend.answer.orders import gives_orders

    marks = {
        sentence.end: str(sentence.by.source + 1) if sentence.by else "not in the sources"
        for sentence in answer.sentences
    } | {
        claim.end: f"said in {claim.source.document}" if claim.source else "not in the documents"
        for claim in claims
    }
    text = answer.text
    for end in sorted(marks, reverse=True):
        text = f"{text[:end]} [{marks[end]}]{text[end:]}"
    print(f"── {answer.column.label} ({answer.timings_ms.total / 1000:.1f} s)\n{indented(text)}")
    for number, source in enumerate(answer.sources, start=1):
        page = f", page {source.page}" if source.page else ""
        read = "" if source.read else " (dropped: no room)" if source.dropped else " (not read)"
        orders = " (seems to tell the model what to say)" if gives_orders(source.text) else ""
        print(f"    [{number}] {source.document}{page}{read}{orders}")
    if answer.groundedness is not None:
        print(f"    grounded in what was read: {answer.groundedness:.0%}")


def _print_trace(answer: "Answer") -> None:
    from comparison.trace import (
        STEPS,
        milliseconds,
        phases,
        rewritten,
        search_steps,
        steps,
        why_unasked,
    )

    told = [f"asked: {answer.asked}"]
    if made := rewritten(answer):
        told.append(f"searched and asked as: {made}")
    if answer.sources:
        rows = steps(answer)
        told += ["", STEPS, *table(rows, list(rows[0])), ""]
        told.append(f"the search: {search_steps(answer.timings_ms)}")
    if not answer.prompt:
        told.append(why_unasked(answer))
    for turn in answer.prompt:
        told += [f"said to the model as {turn['role']}:", indented(turn["content"])]
    told.append(f"{answer.tokens.prompt} tokens in all, {answer.tokens.completion} written")
    times = answer.timings_ms
    told.append(f"{phases(times)}, {milliseconds(times.total)} in all")
    print(indented("\n".join(told)))


def _votes(options: argparse.Namespace) -> None:
    from comparison.votes import first_place, list_votes, standings

    votes = list_votes(lab_of(options).database)
    counted, first = standings(votes), first_place(votes)
    rows = [{**dataclasses.asdict(one), "column": one.column.label} for one in counted]
    if json_wanted(options):
        every = [
            {**dataclasses.asdict(vote), "winner": vote.winner and vote.winner.label}
            for vote in votes
        ]
        print_json({"votes": every, "columns": rows, "first_place": dataclasses.asdict(first)})
    elif not votes:
        print("No votes yet. Page Ask takes them: switch on Blind.")
    else:
        show(options, rows, ["column", "wins", "decided", "low", "high"], "No best one was named.")
        print(first.sentence())
