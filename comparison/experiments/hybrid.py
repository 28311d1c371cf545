"""Hybrid: do reading and training add up? All four cells of the 2×2, with the interaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comparison.answer import Answer
from comparison.ask import METHODS
from comparison.exams.exam import ExamQuestion
from comparison.experiments.asking import Asker, spread
from comparison.experiments.experiment import (
    FEWEST,
    LABELS,
    Chosen,
    Experiment,
    Figure,
    Questions,
    Result,
)
from comparison.experiments.intervals import points, said_points, said_share, wilson
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import OTHER, TRUE, count
from comparison.lab import Lab
from comparison.metrics import contains
from comparison.statistics.bootstrap import change_interval
from finetune_backend import queue
from workbench.errors import RagtuneError
from workbench.settings import option

_STAGE = "exam"
_CELLS = {
    "base": ("without", "base"),
    "rag": ("with", "base"),
    "finetuned": ("without", "fine-tuned"),
    "hybrid": ("with", "fine-tuned"),
}


@dataclass(frozen=True, slots=True)
class Options(Questions):
    """More of them: a difference of differences varies more."""

    questions: int = option(60, "How many questions are asked, at most.", 3, 10_000)


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Ask all four methods the same questions."""
    answered = [question for question in chosen.questions if question.answers]
    if len(answered) < FEWEST:
        raise RagtuneError(
            f"{len(answered)} questions of the exam have answers; at least {FEWEST} are needed."
        )
    questions = spread(answered, chosen.options.questions)
    keeper.expect(len(questions) * len(METHODS))
    notes = [
        "All methods were asked alone, with the same model, decoding, prompts and documents. An "
        "answer is right where it contains an accepted one.",
        "No method can be right in more than all cases: the better one is alone, the less is left "
        "for the other to add.",
    ]
    if queue.holder(lab.home) is not None:
        notes.append("A fine-tune was at work meanwhile, which makes all times longer.")
    keeper.say("Loading the language model")
    asker = Asker(lab, lab.engine(), chosen.adapter, keeper)
    for number, question in enumerate(questions):

        def judge(answer: Answer, question: ExamQuestion = question) -> dict[str, Any]:
            return {"outcome": TRUE if contains(answer.text, question.answers) else OTHER}

        asker.ask(_STAGE, number, question, METHODS, judge)
    return found(keeper.rows, notes)


def interaction(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Return for each question how much more documents add to the fine-tuned weights.

    That is (hybrid − fine-tuned) − (RAG − base), from −2 to 2: a difference of differences.
    """
    right = {(row["number"], row["method"]): int(row["outcome"] == TRUE) for row in rows}
    return [
        (right[number, "hybrid"] - right[number, "finetuned"])
        - (right[number, "rag"] - right[number, "base"])
        for number in dict.fromkeys(row["number"] for row in rows)
    ]


def name_interaction(low: float, high: float) -> str:
    """Say what an interaction's interval means."""
    if high < 0:
        return "they overlap – part of what one gives, the other gives already"
    if low > 0:
        return "they reinforce each other – together they give more than both gains"
    return "no interaction can be told from adding up"


def found(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> Result:
    """Return what the rows say."""
    table, by = [], {}
    for method, (documents, weights) in _CELLS.items():
        some = [row for row in rows if row["method"] == method]
        hits = count(some, TRUE)
        by[method] = hits, len(some)
        low, high = wilson(hits, len(some))
        table.append(
            {
                "documents": f"{documents} documents",
                "weights": weights,
                "method": LABELS[method],
                "right": hits,
                "of": len(some),
                "share": hits / len(some),
                "low": low,
                "high": high,
            }
        )
    together = change_interval(interaction(rows), most=2.0)
    cells = ", ".join(f"{LABELS[method]} {said_share(*by[method])}" for method in METHODS)
    gains = {
        weights: (by[reading][0] - by[alone][0]) / by[alone][1]
        for weights, reading, alone in (
            ("base", "rag", "base"),
            ("fine-tuned", "hybrid", "finetuned"),
        )
    }
    caption = (
        f"Right answers: {cells}. With documents it is {points(gains['base'])} points for the base "
        f"weights and {points(gains['fine-tuned'])} for the fine-tuned ones; the interaction is "
        f"{said_points(together)}: {name_interaction(together.low, together.high)}."
    )
    return Result(
        table=tuple(table),
        figures=(Figure("lines", "documents", "share", "weights", "Right answers"),),
        caption=caption,
        notes=tuple(notes),
    )


EXPERIMENT = Experiment(
    key="hybrid",
    title="Hybrid",
    question="Do reading documents and being trained on them add up?",
    needs="Documents, an adapter, and an exam about both.",
    costs="Each question to all four methods: about three minutes for sixty questions.",
    options=Options,
    methods=METHODS,
    run=run,
)
