"""Questions for facts that were trained on, in wordings that were not."""

from collections.abc import Collection, Iterator

from comparison.exams.exam import TRAINED, ExamQuestion
from comparison.exams.material import Material, Said, together
from comparison.write_examples import ask_for_facts
from finetune_backend.writer.facts import Fact

_WORDINGS = (2, 6)
"""Of each fact, at most: a few first, and more where those were trained on."""


def ask_of_trained(material: Material, done: Collection[str]) -> Iterator[list[ExamQuestion]]:
    """Yield questions for trained facts, those of a few facts at a time.

    A wording that the run held out comes first; others are written from the fact's paragraph.

    Args:
        material: with examples that were trained on.
        done: facts that are asked already; more may be added meanwhile.
    """
    held_out = {example.fact: example for example in material.training.held_out}
    waiting = [own for own in material.trained if own[0].fact not in done]
    # What a person or the writer worded before costs nothing.
    waiting.sort(key=lambda own: own[0].fact not in held_out)
    for facts in together(waiting):
        said = material.say(facts)
        kept_back = [
            _asked(one, held_out[one.fact].question) for one in said if one.fact in held_out
        ]
        yield kept_back
        for wordings in _WORDINGS:
            yield _written(material, [one for one in said if one.fact not in done], wordings)


def _written(material: Material, said: list[Said], wordings: int) -> list[ExamQuestion]:
    wanted = {(one.paragraph, Fact(one.answers[0], one.sentence)): one for one in said}
    asked = ask_for_facts(list(wanted), material.author, wordings) if wanted else []
    return [
        _asked(wanted[one.paragraph, one.fact], one.question) for one in asked if not one.rejected
    ]


def _asked(said: Said, question: str) -> ExamQuestion:
    return ExamQuestion(
        question, said.answers, said.paragraph.document, fact=said.fact, pool=TRAINED
    )
