"""A home's examples split for good: two parts become exams, and a fine-tune leaves them out."""

from collections.abc import Sequence
from dataclasses import dataclass

from comparison.exams.exam import exam_from
from comparison.exams.kept import free_name, save_exam
from comparison.lab import Lab
from finetune_backend.examples.review import to_train_on, with_status
from finetune_backend.examples.split import SHARES, Split, split, to_exam
from finetune_backend.examples.store import change_examples, list_examples
from workbench.values import SET_ASIDE, Example


@dataclass(frozen=True, slots=True)
class KeptSplit:
    """What a split made of the examples."""

    parts: Split
    exams: tuple[str, ...]
    """The names of those that were kept, of validation and test."""
    before: tuple[Example, ...]
    after: tuple[Example, ...]
    """All examples; those of the exams are set aside."""

    def sentence(self) -> str:
        """Say what became of the examples."""
        held = len(self.parts.validation) + len(self.parts.test)
        return (
            f"{len(self.parts.train):,} examples to train on; {held:,} are set aside and kept as "
            f"{'the exam' if len(self.exams) == 1 else 'the exams'} {' and '.join(self.exams)}"
        )


def split_examples(
    lab: Lab, by: str = "fact", shares: Sequence[float] = SHARES, seed: int = 0
) -> KeptSplit:
    """Split the examples to train on, keep validation and test as exams, and set their rows aside.

    Args:
        lab: whose examples are split; those rejected or set aside before are left out.
        by: see `finetune_backend.examples.split.split`, as are the others.
        shares: of train, validation and test.
        seed: of the random choice.

    Raises:
        ExamplesError: the shares do not add up to 1, or there is too little to part.
    """
    before = list_examples(lab.database)
    parts = split(to_train_on(before), by, shares, seed)
    exams = []
    for wish, part in (("validation", parts.validation), ("test", parts.test)):
        if part:
            name = free_name(lab.home, wish)
            data = to_exam(part, parts.labels).encode()
            save_exam(lab.home, name, exam_from(data, name))
            exams.append(name)
    held = {*parts.validation, *parts.test}
    places = [place for place, example in enumerate(before) if example in held]
    after = with_status(before, places, SET_ASIDE)
    change_examples(lab.database, before, after)
    return KeptSplit(parts, tuple(exams), tuple(before), tuple(after))
