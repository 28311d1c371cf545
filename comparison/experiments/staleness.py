"""The staleness clock: a fact is edited, then deleted; when is each method right again?"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from comparison.ask import METHODS
from comparison.experiments.context import changed, with_false
from comparison.experiments.edit import without
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
from finetune_backend.steps import read_steps
from workbench.settings import option
from workbench.values import Block

BEFORE, EDITED, DELETED = "before", "edited", "deleted"
_READING = ("rag", "hybrid")
NAMES = {
    FALSE: "new answer",
    TRUE: "old answer",
    BOTH: "both",
    DECLINES: "declines",
    OTHER: "something else",
}


@dataclass(frozen=True, slots=True)
class Options(Questions):
    """Fewer of them: each takes two edits and up to eight answers."""

    questions: int = option(10, "How many facts are edited and deleted, at most.", 3, 10_000)


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Edit each fact in copies of the documents, delete it, and ask after both."""
    with set_up(lab, chosen, keeper) as setting:
        reading = [method for method in setting.methods if method in _READING]
        keeper.expect(len(setting.facts) * (len(setting.methods) + 2 * len(reading)))
        for number, fact in enumerate(setting.facts):
            setting.ask(BEFORE, number, setting.methods)
            # What is resumed is not edited again.
            if all(set(reading) <= keeper.answered(s, number).keys() for s in (EDITED, DELETED)):
                continue
            own = {name: setting.blocks[name] for name in fact.documents}
            for stage, blocks in ((EDITED, with_false(own, [fact])), (DELETED, deleted(own, fact))):
                keeper.say(f"Fact {number + 1}: {stage}, indexing again")
                seconds = setting.scratch.put(blocks)
                setting.ask(stage, number, reading, seconds)
            setting.scratch.put(own)
        notes = [
            *setting.notes,
            "What reads no documents was asked once: its answer is the same to the letter after "
            "an edit.",
        ]
        return found(keeper.rows, notes, changed(setting.facts), run_seconds(lab, chosen.adapter))


def deleted(blocks: dict[str, list[Block]], fact: Fact) -> dict[str, list[Block]]:
    """Return documents without the sentences and cells that hold a fact's answer."""
    return {name: without(some, fact.true) for name, some in blocks.items()}


def run_seconds(lab: Lab, adapter: str | None) -> float | None:
    """Return how long the adapter's fine-tune trained; None where that is not known."""
    made = lab.adapter(adapter).run if adapter is not None else None
    steps = read_steps(made.folder) if made is not None else []
    return steps[-1].seconds if steps else None


def found(
    rows: Sequence[dict[str, Any]],
    notes: Sequence[str],
    changes: tuple[dict[str, str], ...],
    trained_seconds: float | None,
) -> Result:
    """Return what the rows say.

    Args:
        rows: what was answered before; by those that read, also after each change.
        notes: told with it.
        changes: what was edited.
        trained_seconds: how long another run takes; None where that is not known.
    """
    after: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for method in METHODS:
        of = {
            stage: [row for row in rows if (row["method"], row["stage"]) == (method, stage)]
            for stage in (BEFORE, EDITED, DELETED)
        }
        if of[BEFORE]:
            after[method] = of if method in _READING else dict.fromkeys(of, of[BEFORE])
    table = tuple(
        {"case": f"{LABELS[method]}, {stage}", **share}
        for stage in (EDITED, DELETED)
        for method, of in after.items()
        for share in shares(of[stage], NAMES)
    )
    return Result(
        table=table,
        figures=(Figure("bars", "case", "share", "answer", "Share of the facts"),),
        caption=_caption(after, trained_seconds),
        notes=(*_clock(after, trained_seconds), *notes),
        changes=changes,
    )


def _caption(
    after: dict[str, dict[str, list[dict[str, Any]]]], trained_seconds: float | None
) -> str:
    edits, residues = [], []
    for method, of in after.items():
        rows, label = of[EDITED], LABELS[method]
        if method == "base":
            continue  # it never knew
        if method in _READING:
            told = f"{label} is right again in {said_share(count(rows, FALSE), len(rows), 'facts')}"
            right = [row["seconds"] for row in rows if row["outcome"] == FALSE]
            told += f", {median(right):.1f} s after the edit" if right else ""
            if stale := count(rows, TRUE):
                told += f", and gives the old answer in {said_share(stale, len(rows))}"
            edits.append(told)
        else:
            another = "only another run helps"
            if trained_seconds is not None:
                another += f", which took {trained_seconds:.0f} s the last time"
            edits.append(
                f"{label} gives the old answer in {said_share(count(rows, TRUE), len(rows))}: "
                f"{another}"
            )
        gone = of[DELETED]
        residues.append(f"{label} in {said_share(count(gone, TRUE), len(gone))}")
    return f"{'; '.join(edits)}. Once it is deleted, a fact is still told: {', '.join(residues)}."


def _clock(
    after: dict[str, dict[str, list[dict[str, Any]]]], trained_seconds: float | None
) -> list[str]:
    """Say what the seconds are, and what stood in the way of right answers."""
    notes = [
        "The seconds run from the edit to the end of the first right answer: reading the document "
        "again, indexing what is new in it, searching and answering (median)."
    ]
    if "finetuned" in after:
        notes.append(
            "No fine-tune was started. "
            + (
                "How long the adapter's took is not known."
                if trained_seconds is None
                else f"Until the weights are right again, another one is needed; the adapter's "
                f"trained for {trained_seconds:.0f} s."
            )
        )
    left = [r for r in after.get("rag", {}).get(DELETED, []) if r["read_true"]]
    if left:
        notes.append(
            f"In {len(left)} cases RAG still read the deleted answer: it stands in another place."
        )
    return notes


EXPERIMENT = Experiment(
    key="staleness",
    title="Staleness clock",
    question="A fact is edited, then deleted. When is each method right again, and what remains?",
    needs="Documents, and an exam about them. With an adapter, fine-tuned and hybrid take part.",
    costs="For each fact two edits and up to eight answers: about two minutes for ten facts.",
    options=Options,
    methods=("rag",),
    run=run,
)
