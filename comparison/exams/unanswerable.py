"""Questions that the documents don't answer: what is asked of somebody is asked of somebody else.

A name in a question is exchanged for one that stands nowhere in the documents, nor in what was
trained on (Rajpurkar et al. 2018, "Know What You Don't Know", call it an entity swap). What they
say of Marlow Kites is no answer about Quillmere, however alike the questions are.

So the documents lack the answer by construction. No verifier is asked whether they do: it is the
one that RAG declines with, and would choose the questions of its own exam.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from comparison.exams.exam import UNANSWERABLE, ExamQuestion
from comparison.exams.material import Material, in_turn
from comparison.exams.untrained import written
from finetune_backend.writer.prompt import opener_of
from finetune_backend.writer.write import IN_SHORT

_NAME = re.compile(r"[A-ZÀ-Þ][\w-]*(?: [A-ZÀ-Þ][\w-]*)*")
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_NO_NAME = frozenset(
    word
    for line in (
        "i january february march april may june july august september october november december",
        "monday tuesday wednesday thursday friday saturday sunday",
    )
    for word in line.split()
)
_LONGEST_ACRONYM = 4
_AT_ONCE = 16
_TRIES = 100
_SEED = 0
_INVENTED = (
    *("Quillmere", "Tarnwick", "Osgrave", "Veldaun", "Harcastle", "Brombeck", "Lisquay"),
    *("Fennimore", "Dravick", "Ulmsholt", "Corwenna", "Pellinge", "Ystrand", "Malvoisin"),
    *("Rothbrae", "Kestermann", "Aldenquist", "Wexmoor", "Solvarde", "Threnby", "Gunderholm"),
    *("Ibsworth", "Calloquin", "Norvask", "Elmenthal", "Zandvleet", "Hobbering", "Jaspenfeld"),
    *("Oxterby", "Duncairne", "Vintersham", "Bexholme", "Taliskamp", "Merrowgate", "Finchavel"),
)


def ask_beside(material: Material, asked: Sequence[ExamQuestion]) -> Iterator[list[ExamQuestion]]:
    """Yield questions that the documents don't answer, some at a time.

    Args:
        material: with documents.
        asked: what the exam asks already; a name is exchanged in these, in the examples, and, where
            they are too few, in questions that are written.
    """
    names = _Names(material)
    facts = in_turn([*material.others, *material.trained])
    given = [one.question for one in asked if one.fact not in material.known.facts]
    given += [names.draw.choice(own).question.removeprefix(IN_SHORT) for own in facts]
    for start in range(0, len(given), _AT_ONCE):
        yield names.exchange(given[start : start + _AT_ONCE])
    for questions in written(material):
        yield names.exchange(one.question for one in questions if one.question not in given)


class _Names:
    """The words of the documents and of what was trained on, and names that are none of them."""

    def __init__(self, material: Material) -> None:
        self.draw = random.Random(_SEED)
        self._paragraphs = Counter(
            word for paragraph in material.paragraphs for word in _words(paragraph.text)
        )
        """In how many paragraphs a word stands."""
        trained = (f"{one.question} {one.answer}" for one in material.training.examples)
        self._known = {*self._paragraphs, *(word for text in trained for word in _words(text))}
        self._invented = [name for name in _INVENTED if name.casefold() not in self._known]

    def exchange(self, questions: Iterable[str]) -> list[ExamQuestion]:
        """Return the questions with the rarest name of each exchanged; those without are left out.

        The rarest is the likeliest to be what is asked about. Where a name is in the documents can
        only be told in English, which gives no other words a capital.
        """
        made = []
        for question in questions:
            names = self._names(question) if opener_of(question) else []
            name = min(names, key=self._rarity, default="")
            if name and (other := self._another(name)):
                changed = question.replace(name, other)
                made.append(ExamQuestion(changed, (), unanswerable=True, pool=UNANSWERABLE))
        return made

    def _names(self, question: str) -> list[str]:
        """Return the names in a question that stand in the documents."""
        begins = question.find(" ")  # the first word has a capital whatever it is
        found = [match[0] for match in _NAME.finditer(question, begins)]
        return [
            name
            for name in found
            if name.casefold() not in _NO_NAME
            and not (name.isalpha() and name.isupper() and len(name) <= _LONGEST_ACRONYM)
            and self._rarity(name)
        ]

    def _rarity(self, name: str) -> int:
        """Return in how many paragraphs the rarest word of a name stands."""
        return min(self._paragraphs[word] for word in _words(name))

    def _another(self, name: str) -> str | None:
        """Return a name like this one that stands nowhere; None where none is left."""
        if _DIGIT.search(name):
            for _ in range(_TRIES):
                other = _DIGIT.sub(lambda _digit: str(self.draw.randrange(10)), name)
                if not {word for word in _words(other) if _DIGIT.search(word)} & self._known:
                    return other
            return None
        wanted = min(len(name.split()), 2)
        return " ".join(self.draw.sample(self._invented, wanted)) if self._invented[1:] else None


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
