"""Style: how well does each method keep a form, or give a label alone?"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from comparison.answer import Answer
from comparison.ask import METHODS
from comparison.exams.exam import ExamQuestion
from comparison.experiments.asking import Asker, ready_methods, spread
from comparison.experiments.experiment import (
    FEWEST,
    LABELS,
    Chosen,
    Experiment,
    Figure,
    Questions,
    Result,
)
from comparison.experiments.intervals import said_change, said_share, wilson
from comparison.experiments.keeper import Keeper
from comparison.form import Form
from comparison.lab import Lab
from comparison.metrics import exact_match
from finetune_backend.runs import trained_examples
from workbench.errors import RagtuneError

_STAGE = "exam"
_MOST_OF_THEM = 0.9
"""Of the training answers that have a trait, for it to be part of their form."""
KEPT, LABEL = "form kept", "right label"


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Ask questions whose answers are to have a form, or to be a label."""
    questions, told = asked_for(lab, chosen)
    questions = spread(questions, chosen.options.questions)
    methods, missing = ready_methods(lab, chosen.adapter)
    keeper.expect(len(questions) * len(methods))
    keeper.say("Loading the language model")
    asker = Asker(lab, lab.engine(), chosen.adapter, keeper)
    for number, question in enumerate(questions):

        def judge(answer: Answer, question: ExamQuestion = question) -> dict[str, Any]:
            kept = None if question.form is None else question.form.kept_by(answer.text)
            label = None
            if question.options:
                label = bool(exact_match(answer.text, question.answers))
            return {KEPT: kept, LABEL: label, "words": len(answer.text.split())}

        asker.ask(_STAGE, number, question, methods, judge)
    notes = [
        "All methods were asked alone, with the same model, decoding and prompts.",
        "A tone counts only as far as a form can express it: how an answer begins and ends, what "
        "it holds and lacks, and its length.",
        *told,
        *missing,
    ]
    return found(keeper.rows, notes)


def asked_for(lab: Lab, chosen: Chosen) -> tuple[list[ExamQuestion], list[str]]:
    """Return the questions that ask for a form or a label, and what was taken for the form.

    Where the exam has none, it is the form that the adapter's training answers share.

    Raises:
        RagtuneError: there is no form to keep.
    """
    own = [one for one in chosen.questions if one.form or one.options]
    if len(own) >= FEWEST:
        return own, ["The forms and labels are those that the exam asks for."]
    run = lab.adapter(chosen.adapter).run if chosen.adapter is not None else None
    form = form_of([example.answer for example in trained_examples(run)]) if run else None
    if form is None or not any(one.answers for one in chosen.questions):
        raise RagtuneError(
            f"{len(own)} questions of the exam ask for a form or have options; at least {FEWEST} "
            'are needed, or an adapter whose training answers share a form. Add "form" or '
            '"options" to the exam\'s questions.'
        )
    asked = [
        ExamQuestion(one.question, one.answers, one.document, fact=one.fact, form=form)
        for one in chosen.questions
        if one.answers
    ]
    traits = {key: value for key, value in asdict(form).items() if value}
    said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in traits.items())
    return asked, [
        f"The exam asks for no form, so it is the one that most training answers share: {said}. "
        "Methods without the adapter were not told of it."
    ]


def form_of(answers: Sequence[str]) -> Form | None:
    """Return what nearly all answers share: how they begin and end, and their length in words."""
    texts = [answer.strip() for answer in answers if answer.strip()]
    if len(texts) < FEWEST:
        return None
    lengths = sorted(len(text.split()) for text in texts)
    return Form(
        starts=_shared([text.split()[0] for text in texts]),
        ends=_shared([text[-1] for text in texts if not text[-1].isalnum()], len(texts)),
        most_words=lengths[math.ceil(_MOST_OF_THEM * len(lengths)) - 1],
    )


def found(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> Result:
    """Return what the rows say."""
    table, said = [], []
    for what in (KEPT, LABEL):
        by = {
            method: {
                row["number"]: int(row[what])
                for row in rows
                if row["method"] == method and row[what] is not None
            }
            for method in METHODS
        }
        by = {method: some for method, some in by.items() if some}
        for method, some in by.items():
            low, high = wilson(hits := sum(some.values()), len(some))
            table.append(
                {"what": what, "method": LABELS[method], "count": hits, "of": len(some)}
                | {"share": hits / len(some), "low": low, "high": high}
            )
        if by:
            said.append(_sentence(what, by))
    return Result(
        table=tuple(table),
        figures=(Figure("bars", "what", "share", "method", "Share of the answers"),),
        caption=" ".join(said),
        notes=tuple(notes),
    )


def _sentence(what: str, by: dict[str, dict[int, int]]) -> str:
    """Say how often each method does it, and how far fine-tuned is from base."""
    each = ", ".join(
        f"{LABELS[method]} {said_share(sum(some.values()), len(some))}"
        for method, some in by.items()
    )
    sentence = f"{what.capitalize()}: {each}."
    if "base" in by and "finetuned" in by:
        changes = [by["finetuned"][number] - by["base"][number] for number in by["base"]]
        sentence += f" Fine-tuned beside base: {said_change(changes)}."
    return sentence


def _shared(traits: Sequence[str], of: int | None = None) -> str:
    """Return the trait that nearly all have, or an empty text."""
    if not traits:
        return ""
    trait, times = Counter(traits).most_common(1)[0]
    return trait if times >= _MOST_OF_THEM * (of or len(traits)) else ""


EXPERIMENT = Experiment(
    key="style",
    title="Style and labels",
    question="Which method keeps a form, or gives a label and nothing else?",
    needs="An exam with forms or options, or an adapter whose training answers share a form.",
    costs="Each question to every method: about two minutes for thirty questions.",
    options=Questions,
    methods=("base",),
    run=run,
)
