"""Context dependence: does a method follow a false passage, or its weights?"""

from collections.abc import Sequence
from typing import Any

from comparison.ask import METHODS
from comparison.experiments.edit import swapped
from comparison.experiments.experiment import LABELS, Chosen, Experiment, Figure, Questions, Result
from comparison.experiments.facts import Fact
from comparison.experiments.intervals import said_share
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import (
    BOTH,
    DECLINES,
    FALSE,
    OTHER,
    TRUE,
    count,
    shares,
)
from comparison.experiments.setting import set_up
from comparison.lab import Lab
from workbench.values import Block

_STAGE = "false passages"
NAMES = {
    FALSE: "follows the passage",
    TRUE: "true answer",
    BOTH: "both",
    DECLINES: "declines",
    OTHER: "something else",
}


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Put a false answer in the place of each true one in copies of the documents, and ask."""
    with set_up(lab, chosen, keeper) as setting:
        keeper.expect(len(setting.facts) * len(setting.methods))
        keeper.say("Putting in false passages")
        false = with_false(setting.blocks, setting.facts)
        setting.scratch.put(false)
        for number in range(len(setting.facts)):
            setting.ask(_STAGE, number, setting.methods)
        return found(keeper.rows, setting.notes, changed(setting.facts))


def with_false(blocks: dict[str, list[Block]], facts: Sequence[Fact]) -> dict[str, list[Block]]:
    """Return the documents that hold facts, with their false answers in place of the true ones."""
    became = {
        name: [pair for fact in facts if name in fact.documents for pair in fact.became]
        for name in blocks
    }
    return {
        name: [swapped(block, pairs) for block in blocks[name]]
        for name, pairs in became.items()
        if pairs
    }


def changed(facts: Sequence[Fact]) -> tuple[dict[str, str], ...]:
    """Say for each fact what was swapped for what."""
    return tuple(
        {
            "question": fact.question.question,
            "document": ", ".join(fact.documents),
            "true": fact.true[0],
            "false": fact.false[0],
        }
        for fact in facts
    )


def found(
    rows: Sequence[dict[str, Any]], notes: Sequence[str], changes: tuple[dict[str, str], ...]
) -> Result:
    """Return what the rows say."""
    by = {method: [r for r in rows if r["method"] == method] for method in METHODS}
    table = tuple(
        {"method": LABELS[method], **share}
        for method, some in by.items()
        if some
        for share in shares(some, NAMES)
    )
    said = []
    for method in ("rag", "hybrid"):
        if some := by[method]:
            said.append(
                f"{LABELS[method]} follows the false passage in "
                f"{said_share(count(some, FALSE), len(some), 'questions')}"
            )
    if tuned := by["finetuned"]:
        said.append(
            "fine-tuned, which reads no passage, gives the true answer from its weights in "
            f"{said_share(count(tuned, TRUE), len(tuned))}"
        )
    caption = "; ".join(said) + "." + _conflict(by["finetuned"], by["hybrid"])
    read = [row for row in by["rag"] if row["read_false"]]
    return Result(
        table=table,
        figures=(Figure("bars", "method", "share", "answer", "Share of the questions"),),
        caption=caption,
        notes=(
            f"RAG was given the false passage to read for {len(read)} of {len(by['rag'])} "
            "questions; for the others the search found another one, or none good enough.",
            *notes,
        ),
        changes=changes,
    )


def _conflict(tuned: Sequence[dict[str, Any]], hybrid: Sequence[dict[str, Any]]) -> str:
    """Say what hybrid does where its weights know better than what it reads."""
    knows = {row["number"] for row in tuned if row["outcome"] == TRUE}
    torn = [row for row in hybrid if row["number"] in knows and row["read_false"]]
    if not torn:
        return ""
    return (
        f" Where the weights know the true answer and the passage says another one, hybrid follows "
        f"the passage in {said_share(count(torn, FALSE), len(torn))} and its weights in "
        f"{said_share(count(torn, TRUE), len(torn))}."
    )


EXPERIMENT = Experiment(
    key="context",
    title="Context dependence",
    question="A passage says something false. Does a method repeat it, or know better?",
    needs="Documents, and an exam about them. With an adapter, fine-tuned and hybrid take part.",
    costs="As many answers as questions and methods: about two minutes with the default model.",
    options=Questions,
    methods=("rag",),
    run=run,
)
