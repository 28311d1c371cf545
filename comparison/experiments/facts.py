"""Facts of an exam with false answers of the same kind, taken from its other questions.

A number is swapped for a number and a name for a name, always for the same one. So a passage
with it reads as before, and whoever says it must have read it there.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comparison.exams.exam import ExamQuestion
from comparison.experiments.edit import holds
from comparison.metrics import contains, normalize
from workbench.values import Block

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_ASKING = frozenset({"who", "whom", "whose", "where", "when", "which", "what", "how"})
NO_OTHER = "no other answer in the exam is of the same kind"
NOT_THERE = "their answers don't stand in the documents in these words"
TWICE = "another question has the same answer in the same document"


@dataclass(frozen=True, slots=True)
class Fact:
    """A question, its false answer, and where its true one stands."""

    question: ExamQuestion
    false: tuple[str, ...]
    """The false answer in all forms that are counted."""
    became: tuple[tuple[str, str], ...]
    """Each form of the true answer, and what is put in its place."""
    documents: tuple[str, ...]
    """Those in which it is swapped."""

    @property
    def true(self) -> tuple[str, ...]:
        """The accepted answers."""
        return self.question.answers


def find_facts(
    questions: Sequence[ExamQuestion], blocks: Mapping[str, Sequence[Block]]
) -> tuple[list[Fact], Counter[str]]:
    """Return the questions whose answers can be swapped in the documents.

    Args:
        questions: an exam; those without an answer are passed over.
        blocks: the documents' paragraphs by their names.

    Returns:
        The facts in the exam's order, and how many were left out, by the reason.
    """
    asked = [one for one in questions if one.answers]
    facts, left_out, taken = list[Fact](), Counter[str](), set[tuple[str, str]]()
    for place, question in enumerate(asked):
        held = _held(question, blocks)
        spots = {(name, normalize(form)) for name in held for form in question.answers}
        # Beginning with the next one, so that not all get the same.
        others = (*asked[place + 1 :], *asked[:place])
        swap = _swap(question, others, _near(held, blocks))
        if not held:
            left_out[NOT_THERE] += 1
        elif spots & taken:
            left_out[TWICE] += 1
        elif swap is None:
            left_out[NO_OTHER] += 1
        else:
            taken |= spots
            facts.append(Fact(question, *swap, tuple(held)))
    return facts, left_out


def said_left_out(left_out: Counter[str]) -> list[str]:
    """Say which questions could not be used."""
    return [
        f"{count} question{'' if count == 1 else 's'} could not be used: {reason}."
        for reason, count in left_out.items()
    ]


def kind(answers: Sequence[str]) -> str:
    """Return what an answer is: a "time", a "number", a "name" or a "word"."""
    number = _number(answers)
    if number is not None:
        return "time" if ":" in number[1] else "number"
    return "name" if any(word[0].isupper() for word in answers[0].split()) else "word"


def _held(question: ExamQuestion, blocks: Mapping[str, Sequence[Block]]) -> dict[str, list[Block]]:
    """Return the paragraphs with the answer: of the document that the exam names, or of all."""
    named = [question.document] if question.document in blocks else list(blocks)
    found = {
        name: [block for block in blocks[name] if holds(block, question.answers)]
        for name in named
        if name is not None
    }
    return {name: some for name, some in found.items() if some}


def _near(
    held: Mapping[str, Sequence[Block]], blocks: Mapping[str, Sequence[Block]]
) -> list[Block]:
    """Return the paragraphs of the same sections, which may be read together with the answer."""
    sections = {(name, block.headings) for name, some in held.items() for block in some}
    return [block for name in held for block in blocks[name] if (name, block.headings) in sections]


def _swap(
    question: ExamQuestion, others: Sequence[ExamQuestion], near: Sequence[Block]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]] | None:
    """Return a false answer and what is put in the place of the true one; None without one."""
    own = kind(question.answers)
    alike = [one for one in others if kind(one.answers) == own]
    numbers = own in ("time", "number")
    if numbers:
        alike.sort(key=lambda one: _distance(question.answers, one.answers))
    else:
        alike.sort(key=lambda one: _unlike(question, one))
    for other in (one.answers for one in alike):
        became = (_numbers if numbers else _names)(question.answers, other)
        swaps = [new for _, new in became]
        false = tuple(dict.fromkeys(swaps if numbers else (*swaps, *other)))
        # What stands there already may be said without having read what was put in.
        if _differ(question, false) and not any(holds(block, false) for block in near):
            return false, became
    return None


def _differ(question: ExamQuestion, false: Sequence[str]) -> bool:
    """Can a false answer be told from the true one, and from the question?"""
    return not (
        any(contains(text, question.answers) for text in false)
        or any(contains(text, false) for text in (*question.answers, question.question))
    )


def _numbers(own: Sequence[str], other: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Put another answer's number into every form; one in words gets that of the first digits."""
    mine, theirs = _number(own), _number(other)
    assert mine is not None and theirs is not None  # both are of this kind
    first = _NUMBER.sub(theirs[1], mine[0], count=1)
    return tuple(
        (form, _NUMBER.sub(theirs[1], form, count=1) if _NUMBER.search(form) else first)
        for form in own
    )


def _names(own: Sequence[str], other: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((form, other[0]) for form in own)


def _number(answers: Sequence[str]) -> tuple[str, str] | None:
    """Return the first form with digits, and its number; None where there is none."""
    for form in answers:
        if found := _NUMBER.search(form):
            return form, found.group()
    return None


def _distance(own: Sequence[str], other: Sequence[str]) -> tuple[bool, bool, float]:
    """Say how far another number is: first the same unit, then as whole, then the nearest size."""
    mine, theirs = _number(own), _number(other)
    assert mine is not None and theirs is not None  # both are of this kind
    apart = abs(math.log((_value(mine[1]) + 1) / (_value(theirs[1]) + 1)))
    whole = _value(mine[1]).is_integer() == _value(theirs[1]).is_integer()
    return not (_units(own) & _units(other)), not whole, apart


def _units(answers: Sequence[str]) -> set[str]:
    return {_NUMBER.sub("", form).strip().lower() for form in answers if _NUMBER.search(form)}


def _value(number: str) -> float:
    whole, _, rest = number.replace(",", "").replace(":", ".").partition(".")
    return float(f"{whole}.{rest.replace('.', '')}0")


def _unlike(question: ExamQuestion, other: ExamQuestion) -> tuple[bool, bool]:
    """Say how unlike another name is: who is asked for should become who, of as many words."""
    mine, theirs = (len(one.answers[0].split()) for one in (question, other))
    return _asks_for(question) != _asks_for(other), mine != theirs


def _asks_for(question: ExamQuestion) -> str:
    words = re.findall(r"\w+", question.question.lower())
    return next((word for word in words if word in _ASKING), "")
