"""Questions for facts that the documents say and that no example taught."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from comparison.exams.exam import UNTRAINED, ExamQuestion
from comparison.exams.material import TOGETHER, Material, together
from comparison.write_examples import ask_about
from finetune_backend.examples.wording import short_hash
from finetune_backend.writer.write import Asked

_OF_A_PARAGRAPH = 3
"""Facts of one paragraph, at most, so that the exam is about all documents."""


def ask_of_untrained(material: Material, done: Collection[str]) -> Iterator[list[ExamQuestion]]:
    """Yield questions for facts that were not trained on, those of a few facts at a time.

    First come examples that were left out of the training; then questions are written about the
    paragraphs that no example came from.

    Args:
        material: with documents.
        done: facts that are asked already; more may be added meanwhile.
    """
    for facts in together([own for own in material.others if own[0].fact not in done]):
        yield [
            ExamQuestion(
                one.question, one.answers, one.paragraph.document, fact=one.fact, pool=UNTRAINED
            )
            for one in material.say(facts)
        ]
    yield from written(material)


def written(material: Material) -> Iterator[list[ExamQuestion]]:
    """Yield questions that are written about paragraphs without examples, a few at a time."""
    used = {one.passage for own in (*material.trained, *material.others) for one in own}
    paragraphs = [one for one in material.paragraphs if one.own not in used]
    for start in range(0, len(paragraphs), TOGETHER):
        asked = ask_about(paragraphs[start : start + TOGETHER], material.author)
        yield [
            one
            for one in _each_once(asked)
            if not material.taught.teaches(one.question, one.answers)
        ]


def _each_once(asked: Sequence[Asked]) -> Iterator[ExamQuestion]:
    """Yield a question for each fact that a reader finds again, a few for each paragraph."""
    facts, count = set[str](), Counter[str]()
    for one in asked:
        fact = f"{one.paragraph.document}#{short_hash(one.fact.sentence + one.fact.answer)}"
        if one.rejected or fact in facts or count[one.paragraph.own] == _OF_A_PARAGRAPH:
            continue
        facts.add(fact)
        count[one.paragraph.own] += 1
        yield ExamQuestion(
            one.question,
            (one.fact.answer,),
            one.paragraph.document,
            fact=fact,
            pool=UNTRAINED,
        )
