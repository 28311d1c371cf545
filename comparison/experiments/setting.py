"""The setting of the experiments that change documents: copies, facts, and who is asked."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from comparison.answer import Answer
from comparison.ask import METHODS
from comparison.experiments.asking import Asker, ready_methods, spread
from comparison.experiments.experiment import FEWEST, Chosen
from comparison.experiments.facts import Fact, find_facts, said_left_out
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import outcome, was_read
from comparison.experiments.scratch import Scratch
from comparison.lab import Lab
from finetune_backend import queue
from finetune_backend.runs import trained_facts
from workbench.errors import RagtuneError
from workbench.values import Block

SCRATCH = "scratch"
"""The folder of the copies, inside the experiment's."""
_MOST_BLOCKS = 5_000
"""Paragraphs that are copied; the documents with the answers come first."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What such an experiment works with."""

    asker: Asker
    """Asks the scratch."""
    scratch: Scratch
    """Holds copies of the documents, as they are."""
    blocks: dict[str, list[Block]]
    """The paragraphs of those documents."""
    facts: list[Fact]
    methods: list[str]
    notes: list[str]
    indexing_seconds: float
    """How long it took to index the copies."""

    def ask(
        self,
        stage: str,
        number: int,
        methods: Sequence[str],
        changed_seconds: float | None = None,
        **known: Any,
    ) -> None:
        """Ask a fact's question; with each answer is kept what it says, and what was read.

        Args:
            stage: see `Asker.ask`.
            number: of the fact.
            methods: who is asked.
            changed_seconds: how long it took to change the documents before; None where they
                were not.
            known: what else is kept.
        """
        fact = self.facts[number]

        def judge(answer: Answer) -> dict[str, Any]:
            judged = {
                "false": " | ".join(fact.false),
                "outcome": outcome(answer.text, answer.refused, fact.true, fact.false),
                "read_true": was_read(answer, fact.true),
                "read_false": was_read(answer, fact.false),
                **known,
            }
            if changed_seconds is not None:
                judged["indexing_seconds"] = changed_seconds
                judged["seconds"] = changed_seconds + answer.timings_ms.total / 1000
            return judged

        self.asker.ask(stage, number, fact.question, methods, judge)


@contextlib.contextmanager
def set_up(
    lab: Lab,
    chosen: Chosen,
    keeper: Keeper,
    wanted: Sequence[str] = METHODS,
    *,
    trained_first: bool = True,
) -> Iterator[Setting]:
    """Copy the documents, find facts in them that can be swapped, and remove the copies again.

    Args:
        lab: the person's.
        chosen: its options have ``questions``: how many facts there are to be at most.
        keeper: told what is being done.
        wanted: the methods to ask, of which those that are ready are.
        trained_first: take facts that the adapter was trained on, and others only where these
            are too few; otherwise take them from all.

    Raises:
        RagtuneError: there are too few such facts.
    """
    keeper.say("Reading the documents")
    blocks = dict(lab.knowledge_base.blocks())
    found, left_out = find_facts(chosen.questions, blocks)
    notes = said_left_out(left_out)
    if len(found) < FEWEST:
        raise RagtuneError(
            f"{len(found)} questions of the exam can be used; at least {FEWEST} are needed. "
            f"{' '.join(notes)} Choose an exam about these documents."
        )
    facts, told = _chosen_facts(lab, chosen, found, trained_first)
    methods, missing = ready_methods(lab, chosen.adapter, wanted)
    copied = _copied(blocks, facts)
    if len(copied) < len(blocks):
        notes.append(f"{len(copied)} of {len(blocks)} documents were copied, with all answers.")
    if queue.holder(lab.home) is not None:
        notes.append("A fine-tune was at work meanwhile, which makes all times longer.")
    scratch = Scratch(lab, keeper.folder / SCRATCH)
    try:
        keeper.say("Indexing copies of the documents")
        seconds = scratch.put(copied, keeper.say)
        keeper.say("Loading the language model")
        asker = Asker(scratch, lab.engine(), chosen.adapter, keeper)
        notes = [
            "All methods were asked alone, with the same model, decoding and prompts, on copies "
            "of the documents that were read as text; your documents are as they were.",
            *told,
            *missing,
            *notes,
        ]
        yield Setting(asker, scratch, copied, facts, methods, notes, seconds)
    finally:
        scratch.close()


def _chosen_facts(
    lab: Lab, chosen: Chosen, found: list[Fact], trained_first: bool
) -> tuple[list[Fact], list[str]]:
    """Return as many facts as were asked for, and how many of them the adapter was trained on."""
    most, taught = chosen.options.questions, taught_facts(lab, chosen.adapter)
    facts = spread(found, most)
    if trained_first:
        trained = [fact for fact in found if was_taught(fact, taught)]
        others = [fact for fact in found if not was_taught(fact, taught)]
        facts = spread(trained, most)
        facts += spread(others, most - len(facts))
    return facts, said_taught(facts, taught) if chosen.adapter is not None else []


def taught_facts(lab: Lab, adapter: str | None) -> frozenset[str] | None:
    """Return the facts that an adapter was trained on, none without one; None: not known."""
    if adapter is None:
        return frozenset()
    run = lab.adapter(adapter).run
    return None if run is None or run.imported else frozenset(trained_facts(run))


def was_taught(fact: Fact, taught: frozenset[str] | None) -> bool | None:
    """Was the adapter trained on a fact? None where that is not known, or the exam names none."""
    if taught is None or (taught and fact.question.fact is None):
        return None
    return fact.question.fact in taught


def said_taught(facts: Sequence[Fact], taught: frozenset[str] | None) -> list[str]:
    """Say how many facts the adapter was trained on, as far as that is known."""
    known = [one for fact in facts if (one := was_taught(fact, taught)) is not None]
    said = []
    if known:
        said.append(f"The adapter was trained on {sum(known)} of {len(known)} facts.")
    if unknown := len(facts) - len(known):
        why = "it was made elsewhere" if taught is None else "the exam does not name them"
        said.append(f"Whether it was trained on {unknown} of {len(facts)} is not known: {why}.")
    return said


def _copied(blocks: dict[str, list[Block]], facts: Sequence[Fact]) -> dict[str, list[Block]]:
    needed = dict.fromkeys(name for fact in facts for name in fact.documents)
    copied, total = dict[str, list[Block]](), 0
    for name in (*needed, *(name for name in blocks if name not in needed)):
        total += len(blocks[name])
        if name in needed or total <= _MOST_BLOCKS:
            copied[name] = blocks[name]
    return copied
