"""A home's examples split for good: two parts become exams, and a fine-tune leaves them out."""

from dataclasses import dataclass

from comparison.exams.exam import exam_from
from comparison.exams.kept import free_name, save_exam
from comparison.lab import Lab
from finetune_backend.examples.review import with_status
from finetune_backend.examples.split import Split, to_exam
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


def keep_split(lab: Lab, parts: Split) -> KeptSplit:
    """Keep validation and test of a split as exams, and set their rows aside.

    Args:
        lab: whose examples were split.
        parts: what `finetune_backend.examples.split.split` made of those to train on.
    """
    before, exams = list_examples(lab.database), []
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
