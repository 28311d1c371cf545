"""Knowledge-base quality: noise, duplicates and contradictions are added in steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comparison.experiments.context import changed
from comparison.experiments.edit import holds, swapped
from comparison.experiments.experiment import LABELS, Chosen, Experiment, Figure, Questions, Result
from comparison.experiments.facts import Fact
from comparison.experiments.intervals import said_change, said_share, wilson
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import FALSE, TRUE, count
from comparison.experiments.setting import set_up
from comparison.lab import Lab
from finetune_backend.replay import read_replay
from workbench.errors import RagtuneError
from workbench.settings import option
from workbench.values import Block

CLEAN = "as they are"
NOISE, DUPLICATES, CONTRADICTIONS = KINDS = ("noise", "duplicates", "contradictions")
_NOISE_PARAGRAPHS = (50, 200)
_COPIES = (1, 3)
_CONTRADICTED = {"half contradicted": 0.5, "all contradicted": 1.0}
_READING = ("rag", "hybrid")


@dataclass(frozen=True, slots=True)
class Options(Questions):
    """Fewer questions, since they are asked again at each step, and what is added."""

    questions: int = option(20, "How many questions are asked at each step, at most.", 3, 10_000)
    what: str = option("all", "What is added.", choices=("all", *KINDS))


@dataclass(frozen=True, slots=True)
class Step:
    """A state of the knowledge base."""

    name: str
    kind: str
    """One of `KINDS`; empty for the documents as they are."""
    added: dict[str, list[Block]]
    """Documents that come to those that are there."""


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Ask the same questions at every step."""
    with set_up(lab, chosen, keeper, _READING) as setting:
        wanted = KINDS if chosen.options.what == "all" else (chosen.options.what,)
        steps = make_steps(setting.blocks, setting.facts, wanted)
        keeper.expect(len(setting.facts) * len(setting.methods) * len(steps))
        for step in steps:
            numbers = range(len(setting.facts))
            if all(set(setting.methods) <= keeper.answered(step.name, n).keys() for n in numbers):
                continue
            keeper.say(f"Indexing: {step.name}")
            setting.scratch.put(step.added)
            for number in numbers:
                setting.ask(step.name, number, setting.methods)
            setting.scratch.remove(list(step.added))
        notes = [
            *setting.notes,
            "Base and fine-tuned read no documents: nothing changes for them, so they were not "
            "asked.",
            f"An answer is right where it gives the true answer and not the false one. There are "
            f"{sum(map(len, setting.blocks.values()))} paragraphs in the documents as they are.",
        ]
        return found(keeper.rows, steps, notes, changed(setting.facts))


def make_steps(
    blocks: dict[str, list[Block]], facts: Sequence[Fact], wanted: Sequence[str]
) -> list[Step]:
    """Return the steps: first the documents as they are, then what is added of each kind.

    Noise is paragraphs of an encyclopedia, duplicates are the documents with the answers once
    more, and a contradiction is the paragraph with an answer once more, with a false one.
    """
    steps = [Step(CLEAN, "", {})]
    needed = list(dict.fromkeys(name for fact in facts for name in fact.documents))
    if NOISE in wanted:
        texts = read_replay()
        for number in _NOISE_PARAGRAPHS:
            noise = [Block(text) for text in texts[:number]]
            steps.append(Step(f"{number} unrelated paragraphs", NOISE, {"encyclopedia": noise}))
    if DUPLICATES in wanted:
        for copies in _COPIES:
            added = {
                f"copy {number}/{name}": blocks[name]
                for number in range(1, copies + 1)
                for name in needed
            }
            steps.append(Step(f"{copies} more of each", DUPLICATES, added))
    if CONTRADICTIONS in wanted:
        for said, share in _CONTRADICTED.items():
            some = facts[: max(1, round(share * len(facts)))]
            steps.append(Step(said, CONTRADICTIONS, contradictions(blocks, some)))
    return steps


def contradictions(blocks: dict[str, list[Block]], facts: Sequence[Fact]) -> dict[str, list[Block]]:
    """Return the paragraphs that hold facts with their false answers, by new documents."""
    added: dict[str, list[Block]] = {}
    for fact in facts:
        for name in fact.documents:
            held = [block for block in blocks[name] if holds(block, fact.true)]
            false = [swapped(block, fact.became) for block in held]
            added.setdefault(f"contradiction/{name}", []).extend(false)
    return added


def found(
    rows: Sequence[dict[str, Any]],
    steps: Sequence[Step],
    notes: Sequence[str],
    changes: tuple[dict[str, str], ...],
) -> Result:
    """Return what the rows say.

    Raises:
        RagtuneError: nobody was asked.
    """
    table = []
    methods = [method for method in _READING if any(row["method"] == method for row in rows)]
    if not methods:
        raise RagtuneError("Nobody could be asked: RAG is not ready.")
    for step in steps:
        for method in methods:
            some = _at(rows, step.name, method)
            low, high = wilson(hits := count(some, TRUE), len(some))
            table.append(
                {
                    "documents": step.name,
                    "method": LABELS[method],
                    "right": hits,
                    "false": count(some, FALSE),
                    "read the answer": sum(row["read_true"] for row in some),
                    "of": len(some),
                    "share": hits / len(some),
                    "low": low,
                    "high": high,
                }
            )
    return Result(
        table=tuple(table),
        figures=(Figure("points", "documents", "share", "method", "Right answers"),),
        caption=" ".join(_sentence(rows, steps, method) for method in methods),
        notes=tuple(notes),
        changes=changes,
    )


def _sentence(rows: Sequence[dict[str, Any]], steps: Sequence[Step], method: str) -> str:
    """Say what the last step of each kind does to a method."""
    clean = _at(rows, CLEAN, method)
    right = said_share(count(clean, TRUE), len(clean), "right answers")
    label = LABELS[method]
    said = [f"{label[0].upper()}{label[1:]} gives {right} from the documents as they are"]
    for step in {step.kind: step for step in steps if step.kind}.values():
        before = {row["number"]: row["outcome"] == TRUE for row in clean}
        changes = [
            (row["outcome"] == TRUE) - before[row["number"]] for row in _at(rows, step.name, method)
        ]
        said.append(f"{step.kind} ({step.name}): {said_change(changes)}")
    return "; ".join(said) + "."


def _at(rows: Sequence[dict[str, Any]], stage: str, method: str) -> list[dict[str, Any]]:
    return [row for row in rows if (row["stage"], row["method"]) == (stage, method)]


EXPERIMENT = Experiment(
    key="quality",
    title="Knowledge-base quality",
    question="How much do noise, duplicates and contradictions in the documents cost?",
    needs="Documents, and an exam about them. With an adapter, hybrid takes part.",
    costs="Seven steps with twenty questions each: about four minutes with the default model.",
    options=Options,
    methods=("rag",),
    run=run,
)
