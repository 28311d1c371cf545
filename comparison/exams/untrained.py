"""Questions for facts that the documents say and that no example taught."""

import random
from collections.abc import Collection, Iterator

from comparison.exams.exam import UNTRAINED, ExamQuestion
from comparison.exams.material import TOGETHER, Material, together
from comparison.write_examples import ask_for_facts
from finetune_backend.examples.wording import short_hash
from finetune_backend.writer.facts import Fact, find_facts
from finetune_backend.writer.write import Asked, Paragraph

_SEED = 0
_OF_A_PARAGRAPH = 3
"""Facts of one paragraph, at most, so that the exam is about all documents."""


def ask_of_untrained(material: Material, done: Collection[str]) -> Iterator[list[ExamQuestion]]:
    """Yield questions for facts that were not trained on, those of a few facts at a time.

    By turns, examples that were left out of the training, and questions that are written about the
    paragraphs that no example came from.

    Args:
        material: with documents.
        done: facts that are asked already; more may be added meanwhile.
    """
    writing = written(material)
    for facts in together([own for own in material.others if own[0].fact not in done]):
        yield [
            ExamQuestion(
                one.question, one.answers, one.paragraph.document, fact=one.fact, pool=UNTRAINED
            )
            for one in material.say(facts)
        ]
        yield next(writing, [])
    yield from writing


def written(material: Material) -> Iterator[list[ExamQuestion]]:
    """Yield questions that are written about paragraphs without examples, a few at a time."""
    used = {one.passage for own in material.known.facts.values() for one in own}
    paragraphs = [one for one in material.paragraphs if one.own not in used]
    draw = random.Random(_SEED)
    for start in range(0, len(paragraphs), TOGETHER):
        facts = [
            (paragraph, fact)
            for paragraph in paragraphs[start : start + TOGETHER]
            for fact in _some_facts(paragraph, draw)
        ]
        asked = ask_for_facts(facts, material.author, wordings=1) if facts else []
        questions = [_asked(one) for one in asked if not one.rejected]
        yield [one for one in questions if not material.known.teaches(one.question, one.answers)]


def _some_facts(paragraph: Paragraph, draw: random.Random) -> list[Fact]:
    if paragraph.key:
        return [Fact(paragraph.key, paragraph.own)]
    facts = find_facts(paragraph.own)
    return draw.sample(facts, min(len(facts), _OF_A_PARAGRAPH))


def _asked(one: Asked) -> ExamQuestion:
    return ExamQuestion(
        one.question,
        (one.fact.answer,),
        one.paragraph.document,
        fact=f"{one.paragraph.document}#{short_hash(one.fact.sentence + one.fact.answer)}",
        pool=UNTRAINED,
    )
