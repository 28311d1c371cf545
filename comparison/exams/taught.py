"""Which facts a training set teaches, whatever words and names it has for them."""

from collections.abc import Iterable, Sequence

from finetune_backend.examples.same_question import asked
from workbench.values import Example

_OF_ANSWER = 0.5
_OF_QUESTION = 0.5
_ASKING = frozenset(
    ("how", "many", "much", "long", "often", "who", "whom", "whose", "when", "where", "why")
)
"""Words that every question may have."""


class Taught:
    """The facts of examples, as the words that they are asked and answered with.

    An imported example and a question written from the documents may ask for one fact under two
    names. So a fact counts as taught where the wordings of one that was trained on hold half of
    its answer's words, in their answers, and half of its question's. That errs on the safe side:
    a fact that is not taught may be left out, rarely the other way round.
    """

    def __init__(self, examples: Iterable[Example]) -> None:
        """Collect the words of each fact."""
        self.facts: dict[str, list[Example]] = {}
        for example in examples:
            self.facts.setdefault(example.fact, []).append(example)
        self._answers: dict[str, frozenset[str]] = {}
        self._words: dict[str, frozenset[str]] = {}
        self._with: dict[str, set[str]] = {}
        """The facts whose answers hold a word."""
        for fact, own in self.facts.items():
            answers = frozenset[str]().union(*(asked(one.answer) for one in own))
            self._answers[fact] = answers
            self._words[fact] = answers.union(*(asked(one.question) for one in own))
            for word in answers:
                self._with.setdefault(word, set()).add(fact)

    def teaches(self, question: str, answers: Sequence[str]) -> bool:
        """Does an example teach what a question asks for?"""
        for answer in answers:
            words = asked(answer)
            wanted = asked(question) - words - _ASKING
            near = set[str]().union(*(self._with.get(word, ()) for word in words))
            for fact in near:
                of_answer = len(words & self._answers[fact]) / len(words)
                of_question = len(wanted & self._words[fact])
                if of_answer >= _OF_ANSWER and of_question >= _OF_QUESTION * len(wanted):
                    return True
        return False
