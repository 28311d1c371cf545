"""Scale: right answers and time as the corpus grows towards a million passages."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from comparison.ask import METHODS
from comparison.experiments.experiment import LABELS, Chosen, Experiment, Figure, Questions, Result
from comparison.experiments.intervals import said_change, said_share, wilson
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import TRUE, count
from comparison.experiments.scratch import Scratch
from comparison.experiments.setting import set_up
from comparison.lab import Lab
from finetune_backend.replay import read_replay
from workbench.errors import RagtuneError
from workbench.sentences import sentence_spans
from workbench.settings import option
from workbench.values import Block

_READING = ("rag", "hybrid")
_DOCUMENT_PASSAGES = 1_000
_AT_ONCE = 20
"""Documents of filling that are written before they are indexed."""
_AS_LONG_AS_AN_ANSWER = 300
"""Passages that are indexed while a question is answered, about, on two cores."""
_LONGEST_SENTENCE = 150
"""Characters, so that two of them are one passage."""


@dataclass(frozen=True, slots=True)
class Options(Questions):
    """Fewer questions, since they are asked again at each size, and how far it goes."""

    questions: int = option(10, "How many questions are asked at each size, at most.", 3, 10_000)
    largest: int = option(
        10_000,
        "How many passages there are in the end. Two cores index about 300 in a second.",
        100,
        1_000_000,
    )


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Fill the knowledge base up, and ask the same questions at every power of ten on the way."""
    with set_up(lab, chosen, keeper) as setting:
        begin = setting.scratch.passages()
        sizes = make_sizes(begin, chosen.options.largest)
        reading = [method for method in setting.methods if method in _READING]
        others = len(setting.methods) - len(reading)
        answers = len(setting.facts) * (len(sizes) * len(reading) + 2 * others)
        keeper.expect(answers, (sizes[-1] - begin) / _AS_LONG_AS_AN_ANSWER)
        filling = fill(read_replay())
        for size in sizes:
            methods = setting.methods if size in (begin, sizes[-1]) else reading
            numbers = range(len(setting.facts))
            stage = f"{size:,} passages"
            if all(set(methods) <= keeper.answered(stage, n).keys() for n in numbers):
                continue
            grow(setting.scratch, size, filling, keeper)
            for number in numbers:
                setting.ask(stage, number, methods, passages=size)
        notes = [
            *setting.notes,
            f"The {begin:,} passages of the documents stay the same; what is added is put together "
            "from sentences of an encyclopedia, and different everywhere.",
            "What reads no documents was asked at the smallest and the largest size: where its "
            "time has changed, that is the machine, busy with something else, and not the size.",
        ]
        return found(keeper.rows, sizes, notes)


def make_sizes(begin: int, largest: int) -> list[int]:
    """Return how many passages there are at each step: as they are, powers of ten, the largest.

    Raises:
        RagtuneError: there are as many already.
    """
    if largest <= begin:
        raise RagtuneError(
            f"largest is {largest:,}, but the documents have {begin:,} passages already. Choose "
            "more than that."
        )
    powers = [10**power for power in range(2, 7)]
    return [begin, *(size for size in powers if begin < size < largest), largest]


def fill(texts: Sequence[str], seed: int = 0) -> Iterator[Block]:
    """Yield paragraphs without end, of two sentences each, every one under its own heading."""
    sentences = [
        text[start:end]
        for text in texts
        for start, end in sentence_spans(text)
        if end - start <= _LONGEST_SENTENCE
    ]
    draw, number = random.Random(seed), 0
    while True:
        number += 1
        yield Block(" ".join(draw.sample(sentences, 2)), (f"Article {number}",))


def grow(scratch: Scratch, size: int, filling: Iterator[Block], keeper: Keeper) -> None:
    """Add paragraphs until there are so many passages."""
    while (left := size - scratch.passages()) > 0:
        keeper.say(f"Indexing {left:,} more passages")
        documents: dict[str, list[Block]] = {}
        there = len(scratch.knowledge_base.documents())
        for number in range(min(_AT_ONCE, -(-left // _DOCUMENT_PASSAGES))):
            some = min(_DOCUMENT_PASSAGES, left - number * _DOCUMENT_PASSAGES)
            name = f"filling {there + number}/encyclopedia"
            documents[name] = [next(filling) for _ in range(some)]
        indexing = keeper.other_work(sum(map(len, documents.values())) / _AS_LONG_AS_AN_ANSWER)
        scratch.put(documents, indexing)
        indexing("Indexed", 1.0)


def found(rows: Sequence[dict[str, Any]], sizes: Sequence[int], notes: Sequence[str]) -> Result:
    """Return what the rows say."""
    table = []
    for method in METHODS:
        of = [row for row in rows if row["method"] == method]
        for size in sizes:
            if some := [row for row in of if row["passages"] == size]:
                table.append(_line(method, size, some))
    return Result(
        table=tuple(table),
        figures=(
            Figure("curve", "passages", "share", "method", "Right answers"),
            Figure(
                "curve",
                "passages",
                "milliseconds",
                "method",
                "Time to answer, ms",
                "quarter",
                "three_quarters",
                share=False,
            ),
        ),
        caption=_caption(rows, sizes, table),
        notes=("The lines through the milliseconds reach over half of the answers.", *notes),
    )


def _line(method: str, size: int, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    hits, times = count(rows, TRUE), [row["latency_ms"] for row in rows]
    low, high = wilson(hits, len(rows))
    quarter, middle, three = quantiles(times, n=4, method="inclusive")
    return {
        "method": LABELS[method],
        "passages": size,
        "right": hits,
        "of": len(rows),
        "share": hits / len(rows),
        "low": low,
        "high": high,
        "milliseconds": round(middle, 1),
        "quarter": round(quarter, 1),
        "three_quarters": round(three, 1),
        "search_ms": round(median(row["search_ms"] for row in rows), 1),
    }


def _caption(
    rows: Sequence[dict[str, Any]], sizes: Sequence[int], table: Sequence[dict[str, Any]]
) -> str:
    first, last = sizes[0], sizes[-1]
    said = []
    for method in _READING:
        of = {(row["number"], row["passages"]): row for row in rows if row["method"] == method}
        lines = {one["passages"]: one for one in table if one["method"] == LABELS[method]}
        if not lines:
            continue
        changes = [
            (row["outcome"] == TRUE) - (of[number, first]["outcome"] == TRUE)
            for (number, size), row in of.items()
            if size == last
        ]
        before, after = lines[first], lines[last]
        said.append(
            f"From {first:,} to {last:,} passages {LABELS[method]}'s right answers go from "
            f"{said_share(before['right'], before['of'])} to "
            f"{said_share(after['right'], after['of'])}: {said_change(changes)}. Its search takes "
            f"{after['search_ms']:.0f} ms instead of {before['search_ms']:.0f}, its whole answer "
            f"{after['milliseconds']:.0f} ms instead of {before['milliseconds']:.0f}."
        )
    for method in ("finetuned", "base"):
        times = {
            one["passages"]: one["milliseconds"] for one in table if one["method"] == LABELS[method]
        }
        if times:
            said.append(
                f"{LABELS[method].capitalize()}, which searches nothing, takes {times[last]:.0f} "
                f"ms instead of {times[first]:.0f}."
            )
            break
    return " ".join(said)


EXPERIMENT = Experiment(
    key="scale",
    title="Scale",
    question="What becomes of right answers and of the time as the documents grow?",
    needs="Documents, and an exam about them. With an adapter, fine-tuned and hybrid take part.",
    costs="Two minutes for 10,000 passages, seven for 100,000, an hour for a million.",
    options=Options,
    methods=("rag",),
    run=run,
)
