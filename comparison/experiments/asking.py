"""Questions asked one by one in an experiment; every answer is kept as soon as it is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from comparison.answer import Answer
from comparison.ask import METHODS, ask
from comparison.exams.exam import ExamQuestion
from comparison.experiments.experiment import LABELS
from comparison.experiments.keeper import Keeper
from comparison.lab import Lab
from finetune_backend.examples.wording import shorten
from workbench.errors import RagtuneError
from workbench.language_models.engine import Engine

T = TypeVar("T")
_SHOWN = 80
"""Characters of a question in an error."""


def ready_methods(
    lab: Lab, adapter: str | None, wanted: Sequence[str] = METHODS
) -> tuple[list[str], list[str]]:
    """Return the methods that can answer, and a sentence for each that can't."""
    ready, notes = [], []
    for method in wanted:
        missing = lab.missing(method, adapter)
        if missing:
            notes.append(f"{LABELS[method]} was left out: {missing}")
        else:
            ready.append(method)
    return ready, notes


def spread(found: Sequence[T], most: int) -> list[T]:
    """Return so many at most, evenly from all of them."""
    step = max(1.0, len(found) / max(1, most))
    return [found[int(place * step)] for place in range(min(most, len(found)))]


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks methods one after the other, so that each one's times are its own."""

    lab: Lab
    engine: Engine
    """The same throughout: a faster one may become ready meanwhile."""
    adapter: str | None
    keeper: Keeper

    def ask(
        self,
        stage: str,
        number: int,
        question: ExamQuestion,
        methods: Sequence[str],
        judge: Callable[[Answer], dict[str, Any]],
    ) -> None:
        """Ask the methods that have no row yet, and keep a row of each.

        Args:
            stage: what was changed before; with the number and the method it names a row.
            number: of the question.
            question: what is asked.
            methods: who is asked.
            judge: returns what else is kept of an answer.

        Raises:
            RagtuneError: a method failed; says where, what is kept, and how to go on.
        """
        there = self.keeper.answered(stage, number)
        left = [method for method in methods if method not in there]
        if not left:
            return
        self.keeper.say(f"{stage[0].upper()}{stage[1:]}: question {number + 1}")
        for answer in self._answers(stage, number, question, left):
            if answer.done:
                self.keeper.keep(
                    {
                        "stage": stage,
                        "number": number,
                        "question": question.question,
                        "expected": " | ".join(question.answers),
                        "method": answer.method,
                        "answer": answer.text,
                        "refused": answer.refused,
                        "latency_ms": answer.timings_ms.total,
                        "search_ms": answer.timings_ms.search,
                        "prompt_tokens": answer.tokens.prompt,
                        "completion_tokens": answer.tokens.completion,
                        **judge(answer),
                    }
                )

    def _answers(
        self, stage: str, number: int, question: ExamQuestion, methods: Sequence[str]
    ) -> Iterator[Answer]:
        text, adapter, engine = question.question, self.adapter, self.engine
        method = methods[0]
        try:
            for answer in ask(self.lab, text, methods, adapter, alone=True, engine=engine):
                method = answer.method
                if answer.error:
                    raise RagtuneError(answer.error)
                yield answer
        except RagtuneError as error:
            where = f"{stage[0].upper()}{stage[1:]}, question {number + 1}, {LABELS[method]}"
            raise RagtuneError(
                f"{where}, “{shorten(text, _SHOWN)}”: {error} Kept are {len(self.keeper.rows):,} "
                "answers. Once that is put right, go on from there: page Experiments, or "
                f"`ragtune experiment --resume {self.keeper.folder.name}`."
            ) from error
