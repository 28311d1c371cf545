"""Whether an exam asks what was trained on: in the same words, a fine-tune has learned it by heart.

Other wordings of a trained fact are no leak: they are what the pool "trained" is for.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comparison.columns import Column
from comparison.lab import Lab
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.same_question import same_questions
from finetune_backend.examples.store import list_examples
from finetune_backend.examples.wording import fold
from finetune_backend.runs import Run, find_run, trained_examples
from finetune_backend.training_set import choose_held_out
from finetune_backend.writer.write import IN_SHORT
from workbench.errors import RagtuneError
from workbench.values import Example


@dataclass(frozen=True, slots=True)
class Training:
    """What a fine-tune was trained on, or would be."""

    name: str
    """The run's; empty for all examples."""
    examples: tuple[Example, ...]
    held_out: tuple[Example, ...] = ()
    """Wordings that the run kept back to measure recall, and never learned from."""

    @property
    def said(self) -> str:
        """What an exam is held against."""
        return f"the run {self.name}" if self.name else "the examples"

    @property
    def questions(self) -> list[str]:
        """What was asked in it, as a person would ask it."""
        return [example.question.removeprefix(IN_SHORT) for example in self.examples]


@dataclass(frozen=True, slots=True)
class Leak:
    """A question of an exam that was trained on."""

    place: int
    """Among the exam's questions, from 0."""
    question: str
    beside: str
    """The question that was trained on."""
    exact: bool
    """Are the two the same but for case and spacing? Else a word or their order differs."""


def training_of(lab: Lab, run: str | None = None) -> Training:
    """Return what a run was trained on, or what the next one would be: all examples.

    Raises:
        RagtuneError: there is no such run, or its adapter was made elsewhere.
    """
    if not run:
        return Training("", tuple(to_train_on(list_examples(lab.database))))
    found = find_run(lab.home, run)
    if found.imported:
        raise RagtuneError(
            f"The adapter {run!r} was made elsewhere: what it was trained on is not known here. "
            "Choose another run."
        )
    return _training(found)


def _training(run: Run) -> Training:
    examples = trained_examples(run)
    kept_back = choose_held_out(examples, run.settings.held_out, run.settings.seed)
    return Training(
        run.name,
        tuple(one for place, one in enumerate(examples) if place not in kept_back),
        tuple(examples[place] for place in sorted(kept_back)),
    )


def find_leaks(questions: Sequence[str], training: Training) -> list[Leak]:
    """Return the questions of an exam that a training set asks, in the same words or nearly.

    See `finetune_backend.examples.same_question` for what counts as the same. The second time it
    is told at once.
    """
    return list(_leaks(tuple(questions), training))


def leaks_of_columns(
    lab: Lab, questions: Sequence[str], columns: Sequence[Column]
) -> dict[str, tuple[Leak, ...] | None]:
    """Return the questions that were trained on, by the columns' adapters.

    Of an adapter that was made elsewhere it is not known: None.
    """
    found = dict[str, tuple[Leak, ...] | None]()
    for name in dict.fromkeys(column.adapter for column in columns if column.adapter):
        run = lab.adapter(name).run
        known = run is not None and not run.imported
        found[name] = tuple(find_leaks(questions, _training(run))) if run and known else None
    return found


@functools.lru_cache(maxsize=12)
def _leaks(questions: tuple[str, ...], training: Training) -> tuple[Leak, ...]:
    trained = training.questions
    exact = {fold(question): place for place, question in reversed(list(enumerate(trained)))}
    near = same_questions(questions, trained)
    leaks = []
    for place, question in enumerate(questions):
        beside = exact.get(fold(question), near.get(place))
        if beside is not None:
            leaks.append(Leak(place, question, trained[beside], fold(question) in exact))
    return tuple(leaks)


def leak_sentence(leaks: Sequence[Leak], questions: int, against: str) -> str:
    """Say in one sentence what the check found.

    Args:
        leaks: see `find_leaks`.
        questions: how many were checked.
        against: what was trained; see `Training.said`.
    """
    if not leaks:
        return f"None of {questions:,} questions was trained on in {against}."
    same = sum(leak.exact for leak in leaks)
    nearly = len(leaks) - same
    parts = [f"{same:,} word for word"] if same else []
    parts += [f"{nearly:,} nearly so"] if nearly else []
    were = "was" if len(leaks) == 1 else "were"
    return (
        f"{len(leaks):,} of {questions:,} questions {were} trained on in {against}: "
        f"{' and '.join(parts)}. Strike them out, or the exam shows what was learned by heart."
    )


def leak_sentences(found: Mapping[str, tuple[Leak, ...] | None], questions: int) -> list[str]:
    """Say what was found for each adapter; those of which it is the same are told together.

    Args:
        found: see `leaks_of_columns`.
        questions: how many were checked.
    """
    groups: dict[tuple[Leak, ...] | None, list[str]] = defaultdict(list)
    for name, leaks in found.items():
        groups[leaks].append(name)
    return [
        f"What {', '.join(names)} learned from is not known, nor whether the exam was in it."
        if leaks is None
        else leak_sentence(
            leaks, questions, f"the run{'s' if names[1:] else ''} {', '.join(names)}"
        )
        for leaks, names in groups.items()
    ]
