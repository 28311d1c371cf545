"""Wordings: how many ways of asking for a fact does it take until a new one is answered?"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comparison.answer import Answer
from comparison.exams.exam import ExamQuestion
from comparison.experiments.asking import Asker, ready_methods
from comparison.experiments.experiment import LABELS, Chosen, Experiment, Figure, Result
from comparison.experiments.intervals import said_change, said_share, wilson
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import OTHER, TRUE, count
from comparison.experiments.training import Planned, WithTrained, check_memory, make, plan
from comparison.experiments.worded import Worded, choose, lacks, settings_for, shown, sizes
from comparison.lab import Lab
from comparison.metrics import contains
from workbench.settings import check_options, option

_BESIDE = ("base", "rag")
_UNTRAINED = "not trained"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen."""

    facts: int = option(30, "How many facts are trained on, at most.", 3, 1000)
    wordings: int = option(
        8, "The most wordings of a fact to train on; 1, 2, 4 and so on are tried up to it.", 2, 64
    )

    def __post_init__(self) -> None:
        check_options(self)


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Train with more and more wordings of the same facts, and ask for them in another one."""
    facts = choose(chosen.examples, chosen.options.facts, chosen.options.wordings)
    planned = [
        plan(lab, said(size), shown(facts, size), settings_for(facts), probed=False)
        for size in sizes(facts)
    ]
    questions, noted = to_ask(facts, chosen.questions)
    beside, missing = ready_methods(lab, None, _BESIDE)
    rows = len(questions) * (len(planned) + len(beside))
    keeper.expect(rows, sum(one.work for one in planned))
    keeper.say("Estimating the memory")
    check_memory(lab, planned[-1])
    runs = [make(lab, one, keeper) for one in planned]
    keeper.say("Loading the language model")
    engine = lab.engine()
    ask(Asker(lab, engine, None, keeper), _UNTRAINED, 0, questions, beside)
    with contextlib.closing(WithTrained(lab, runs)) as trained:
        for size, one in zip(sizes(facts), planned, strict=True):
            ask(Asker(trained, engine, one.name, keeper), one.name, size, questions, ["finetuned"])
    return found(keeper.rows, sizes(facts), [*notes(planned, len(facts)), *noted, *missing])


def said(size: int) -> str:
    """Name a fine-tune by its number of wordings."""
    return f"{size} wording{'' if size == 1 else 's'}"


def to_ask(
    facts: Sequence[Worded], exam: Sequence[ExamQuestion]
) -> tuple[list[ExamQuestion], list[str]]:
    """Return a question for each fact, and what its answers are held against.

    What an exam accepts is short. The examples' own answers may be whole sentences, which nobody
    says word for word who has not learned them.
    """
    accepted = _accepted(exam)
    questions = [
        ExamQuestion(
            fact.asked.question,
            accepted.get(fact.asked.fact) or _own(fact),
            fact.asked.document,
            fact=fact.asked.fact,
        )
        for fact in facts
    ]
    known = sum(fact.asked.fact in accepted for fact in facts)
    told = f"An answer is right where it contains one that the exam accepts ({known} facts)"
    if known < len(facts):
        told += (
            f", or the whole answer of an example ({len(facts) - known} facts that the exam does "
            "not ask for; base and RAG seldom put it in the same words)"
        )
    return questions, [f"{told}."]


def _accepted(exam: Sequence[ExamQuestion]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in exam:
        if one.fact and one.answers:
            found[one.fact] = (*found.get(one.fact, ()), *one.answers)
    return {fact: tuple(dict.fromkeys(answers)) for fact, answers in found.items()}


def _own(fact: Worded) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.answer for one in (fact.asked, *fact.taught)))


def ask(
    asker: Asker,
    stage: str,
    size: int,
    questions: Sequence[ExamQuestion],
    methods: Sequence[str],
) -> None:
    """Ask all questions after a fine-tune with so many wordings, or without one."""
    for number, question in enumerate(questions):

        def judge(answer: Answer, question: ExamQuestion = question) -> dict[str, Any]:
            right = contains(answer.text, question.answers)
            return {
                "fact": question.fact,
                "wordings": size,
                "outcome": TRUE if right else OTHER,
            }

        asker.ask(stage, number, question, methods, judge)


def notes(planned: Sequence[Planned], facts: int) -> list[str]:
    """Say what was equal."""
    steps, settings = planned[0].steps, planned[0].settings
    times = settings.epochs * len(planned[0].examples) // facts
    return [
        f"Every fine-tune made {steps} steps and saw each of the {facts} facts {times} times: with "
        "fewer wordings, the same ones came more often. Otherwise more steps, and not more "
        "wordings, might make the difference.",
        "The wordings of a smaller number are among those of a larger one. One more of each fact "
        "was kept from every fine-tune, and asked.",
        f"The settings are the usual ones: rank {settings.rank}, and {settings.word_dropout:.0%} "
        "of a question's words left out at random, which stands in for some wordings.".replace(
            "%", " %"
        ),
        "Base and RAG were not trained and asked once; their lines are drawn through for "
        "comparison.",
    ]


def found(
    rows: Sequence[dict[str, Any]], trained_with: Sequence[int], notes: Sequence[str]
) -> Result:
    """Return what the rows say."""
    table = []
    for method in ("base", "finetuned", "rag"):
        for size in trained_with:
            if some := _at(rows, method, size):
                low, high = wilson(hits := count(some, TRUE), len(some))
                table.append(
                    {"method": LABELS[method], "wordings": size, "right": hits, "of": len(some)}
                    | {"share": hits / len(some), "low": low, "high": high}
                )
    return Result(
        table=tuple(table),
        figures=(Figure("curve", "wordings", "share", "method", "Right answers"),),
        caption=_caption(rows, trained_with),
        notes=tuple(notes),
    )


def _at(rows: Sequence[dict[str, Any]], method: str, size: int) -> list[dict[str, Any]]:
    """Return a method's rows; those that are not trained have the same at all sizes."""
    return [row for row in rows if row["method"] == method and row["wordings"] in (size, 0)]


def _caption(rows: Sequence[dict[str, Any]], trained_with: Sequence[int]) -> str:
    first, last = trained_with[0], trained_with[-1]
    before, after = _at(rows, "finetuned", first), _at(rows, "finetuned", last)
    gain = said_change(_paired(after, before))
    sentences = [
        f"From {said(first)} of each fact to {last}, fine-tuned's right answers to a wording that "
        f"it never saw go from {_said(before)} to {_said(after)}: {gain}."
    ]
    for method in _BESIDE:
        if some := _at(rows, method, last):
            label = LABELS[method]
            sentences.append(
                f"{label[0].upper()}{label[1:]}, which is not trained, gives {_said(some)}; beside "
                f"it, fine-tuned with {said(last)}: {said_change(_paired(after, some))}."
            )
    return " ".join(sentences)


def _said(rows: Sequence[dict[str, Any]]) -> str:
    return said_share(count(rows, TRUE), len(rows))


def _paired(rows: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> list[int]:
    """Return how much more is right for each question, from -1 to 1."""
    before = {row["number"]: row["outcome"] == TRUE for row in others}
    return [(row["outcome"] == TRUE) - before[row["number"]] for row in rows]


EXPERIMENT = Experiment(
    key="wordings",
    title="Wordings",
    question="How many wordings of a fact does a fine-tune need, until it answers a new one?",
    needs="Examples with several wordings of each fact. With documents, RAG is drawn beside.",
    costs="A fine-tune for each of 1, 2, 4 and 8 wordings, and their answers: about twelve minutes "
    "for thirty facts with the default model.",
    options=Options,
    methods=("base",),
    run=run,
    trains=lacks,
)
