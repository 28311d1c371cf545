"""What is wrong with the examples, for the model and the settings that they will meet."""

import contextlib
import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.exams.exam import read_exam
from comparison.exams.kept import list_exams
from comparison.lab import Lab
from finetune_backend.examples.check import general_warnings
from finetune_backend.examples.clean import Finding, find_faults
from finetune_backend.examples.exposures import Exposures, count_exposures
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.same_question import same_questions
from finetune_backend.rows import Count, row_counter
from finetune_backend.settings import TrainSettings
from finetune_backend.training_set import choose_held_out
from workbench.errors import RagtuneError
from workbench.home import Home
from workbench.language_models.loading import Checkpoint
from workbench.language_models.tokenizer import serving_tokenizer
from workbench.values import Example

_COUNTS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a set of examples."""

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    """Of the set as a whole."""
    exposures: Exposures | None
    """With the preset; None where there is nothing to train on."""


def check_examples(lab: Lab, examples: Sequence[Example], held_out: Sequence[str] = ()) -> Checked:
    """Check examples for the lab's model and the preset; the second time at once.

    Args:
        lab: whose model counts the tokens; where it is on a server or missing, nothing is said
            of their number.
        examples: any; of those that are not trained on, nothing is said.
        held_out: questions that a fine-tune will be tested with.
    """
    checkpoint = None
    with contextlib.suppress(RagtuneError):  # page Fine-tune says what is wrong with the model
        checkpoint = lab.checkpoint()
    return _checked(tuple(examples), tuple(held_out), checkpoint, lab.settings.system_prompt)


def before_training(lab: Lab, examples: Sequence[Example], settings: TrainSettings) -> list[str]:
    """Return what to know before a fine-tune learns from examples, a sentence or two each."""
    said = [one.sentence for one in check_examples(lab, examples).findings if one.kind == "masked"]
    said += _asked_in_exams(lab.home, examples)
    if settings.patience and not choose_held_out(examples, settings.held_out, settings.seed):
        said.append(
            "No wording can be held out, since a fact needs three for that: recall is not "
            "measured, and patience stops nothing. Ask for facts in other words as well."
        )
    return said


def _asked_in_exams(home: Home, examples: Sequence[Example]) -> list[str]:
    """Return a sentence for each exam of a home that asks what the examples teach by heart."""
    questions = tuple(example.question for example in examples)
    counts = {
        exam.name: _asked_in(exam.path, exam.changed, questions)
        for exam in list_exams(home)
        if not exam.trouble
    }
    return [
        f"{f'{count:,} examples ask' if count > 1 else '1 example asks'} what the exam {name} "
        "asks, in the same words or nearly: it would only show that they were learned by heart. "
        "Remove them (page Examples), or test with another exam."
        for name, count in counts.items()
        if count
    ]


@functools.lru_cache(maxsize=16)
def _asked_in(exam: Path, _changed: float, questions: tuple[str, ...]) -> int:
    return len(same_questions(questions, [one.question for one in read_exam(exam)]))


@functools.lru_cache(maxsize=4)
def _checked(
    examples: tuple[Example, ...],
    held_out: tuple[str, ...],
    checkpoint: Checkpoint | None,
    system_prompt: str,
) -> Checked:
    count = None
    if checkpoint is not None and not checkpoint.server:
        count = _counter(checkpoint, system_prompt)
    settings = TrainSettings()
    places = [row for row, example in enumerate(examples) if to_train_on([example])]
    trained = [examples[row] for row in places]
    return Checked(
        tuple(
            dataclasses.replace(finding, rows=tuple(places[row] for row in finding.rows))
            for finding in find_faults(trained, settings, count, held_out)
        ),
        tuple(general_warnings(trained)),
        count_exposures(trained, settings) if trained else None,
    )


@functools.lru_cache(maxsize=1)
def _counter(checkpoint: Checkpoint, system_prompt: str) -> Count:
    # Where one row was changed, the others need not be counted again.
    return functools.lru_cache(maxsize=_COUNTS_KEPT)(
        row_counter(serving_tokenizer(checkpoint), system_prompt)
    )


def as_json(checked: Checked, examples: Sequence[Example]) -> dict[str, Any]:
    """Return what was found as JSON values; rows are counted from 1."""
    return {
        "examples": len(examples),
        "findings": [
            {
                "kind": finding.kind,
                "sentence": finding.sentence,
                "rows": [
                    {
                        "row": row + 1,
                        "question": examples[row].question,
                        "answer": examples[row].answer,
                        "fact": examples[row].fact,
                        "beside": beside,
                    }
                    for row, beside in zip(finding.rows, finding.beside, strict=True)
                ],
            }
            for finding in checked.findings
        ],
        "warnings": list(checked.warnings),
        "exposures": dataclasses.asdict(checked.exposures) if checked.exposures else None,
    }
