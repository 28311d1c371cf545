"""What is told of examples before a fine-tune learns from them."""

import dataclasses

from comparison.check_examples import before_training
from comparison.exams.exam import ExamQuestion
from comparison.exams.kept import save_exam
from finetune_backend.settings import TrainSettings
from workbench.values import Example

FACTS = [
    Example(f"{ask} thing {n}?", f"It is {n}.", f"thing {n}")
    for n in range(5)
    for ask in ("What is", "Would you describe", "How is")
]
QUICK = TrainSettings(patience=2)


def test_all_is_well(tiny_lab):
    assert before_training(tiny_lab, FACTS, QUICK) == []


def test_answers_of_which_nothing_is_learned(tiny_lab):
    rows = [*FACTS, Example("Why?", "<|im_end|>", "why")]
    (said,) = before_training(tiny_lab, rows, QUICK)
    assert said.startswith("1 row has an answer without a token of its own")


def test_an_exam_that_is_learned_by_heart(tiny_lab):
    save_exam(tiny_lab.home, "mine", [ExamQuestion("how is thing 3", ("3",))])
    (said,) = before_training(tiny_lab, FACTS, QUICK)
    assert said.startswith("1 example asks what the exam mine asks")
    assert before_training(tiny_lab, FACTS[:3], dataclasses.replace(QUICK, patience=0)) == []


def test_patience_without_wordings_to_measure(tiny_lab):
    few = [one for one in FACTS if not one.question.startswith("How")]
    (said,) = before_training(tiny_lab, few, QUICK)
    assert said.startswith("No wording can be held out")
    assert before_training(tiny_lab, few, TrainSettings()) == []
