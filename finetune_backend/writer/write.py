"""Examples written from a document: facts found, asked for in several wordings, and checked."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from finetune_backend.examples.wording import clean, fold, short_hash
from finetune_backend.writer.alone import stands_alone
from finetune_backend.writer.facts import Fact, facts_named, find_facts, sentence_answers
from finetune_backend.writer.prompt import facts_prompt, writer_prompt
from workbench.values import WAITING, Block, Example
from workbench.words import f1, normalize

Chat = list[dict[str, str]]
Say = Callable[[Sequence[Chat]], Iterable[str]]
"""Answers conversations, in their order."""
FOUND_AGAIN = 0.5
"""F1 of what a reader answers with what was meant, at least."""
_LEAST_WORDS = 6
"""A paragraph with fewer says nothing that could be asked for."""
_LONG_VALUE_WORDS = 8
_MOST_FACTS = 24
_COUNTING = re.compile(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b")
IN_SHORT = "In short: "
"""Begins the question that is answered by the bare answer, where others get a sentence."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A part of a document that facts are taken from."""

    document: str
    text: str
    """As a model reads it: under its document's name and its headings."""
    own: str
    """Without them."""
    key: str = ""
    """Of a table row with a long value, such as a term with its meaning: what it is about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was written, and what became of it."""

    paragraph: Paragraph
    fact: Fact
    question: str
    rejected: str = ""
    """Why it is no example; empty where it is one."""


def paragraphs_of(
    document: str, blocks: Sequence[Block], read: Callable[[str, Block], str]
) -> list[Paragraph]:
    """Return the parts of a document that may hold facts.

    Args:
        document: its name.
        blocks: its text in reading order.
        read: how a model reads a block of a document.
    """
    made = []
    for block in blocks:
        key = ""
        if block.cells:
            # Other rows are asked about by rule; see `finetune_backend.examples.tables`.
            (_, key), *others = block.cells
            if len(others) != 1 or len(others[0][1].split()) <= _LONG_VALUE_WORDS:
                continue
        if len(block.text.split()) >= _LEAST_WORDS:
            made.append(Paragraph(document, read(document, block), clean(block.text), key))
    return made


def write_questions(paragraphs: Sequence[Paragraph], say: Say, wordings: int) -> list[Asked]:
    """Find what the paragraphs say, and ask for it.

    Args:
        paragraphs: see `paragraphs_of`.
        say: the question writer.
        wordings: of each fact, at most; fewer where it would ask the same again.

    Returns:
        Every question that was written. Those that do not name their subject, and those that
        tell their own answer, are rejected.
    """
    listed = say([facts_prompt(one.text) for one in paragraphs])
    facts = [
        (paragraph, fact)
        for paragraph, answers in zip(paragraphs, listed, strict=True)
        for fact in _facts(paragraph, answers.splitlines())
    ]
    return ask_for(facts, say, wordings)


def ask_for(facts: Sequence[tuple[Paragraph, Fact]], say: Say, wordings: int) -> list[Asked]:
    """Ask for facts of paragraphs; see `write_questions`."""
    wanted = [
        (paragraph, fact, opener)
        for paragraph, fact in facts
        for opener in _openers(fact.answer)[: wordings + 1]
    ]
    said = say([writer_prompt(p.text, fact.answer, opener) for p, fact, opener in wanted])
    asked: dict[tuple[str, str], Asked] = {}
    kept: dict[Fact, int] = {}
    for (paragraph, fact, _), text in zip(wanted, said, strict=True):
        question = clean(text.partition("\n")[0])
        reason = _why_not(question, fact)
        if not reason and kept.get(fact, 0) >= wordings:
            continue
        made = Asked(paragraph, fact, question, reason)
        if asked.setdefault((fold(question), fold(fact.answer)), made) is made and not reason:
            kept[fact] = kept.get(fact, 0) + 1
    return list(asked.values())


def check_answers(asked: Sequence[Asked], answers: Iterable[str]) -> list[Asked]:
    """Reject the questions whose answer a reader does not find again.

    Args:
        asked: written and not yet rejected.
        answers: what the reader says to each question with its paragraph.
    """
    return [
        one
        if found_again(answer, one.fact.answer)
        else Asked(one.paragraph, one.fact, one.question, "its answer was not found again")
        for one, answer in zip(asked, answers, strict=True)
    ]


def found_again(answer: str, meant: str) -> bool:
    """Does a reader's answer say what was meant?"""
    return f1(answer, [meant]) >= FOUND_AGAIN


def as_examples(asked: Sequence[Asked]) -> Iterator[Example]:
    """Yield the examples that the questions make, those of each fact together.

    The answer is the sentence that says it, where it can stand by itself. The last of several
    wordings then asks for the bare answer. They wait for a person to approve or reject them.
    """
    of_fact: dict[tuple[Paragraph, Fact], list[str]] = {}
    for one in asked:
        of_fact.setdefault((one.paragraph, one.fact), []).append(one.question)
    for (paragraph, fact), questions in of_fact.items():
        told = short_hash(fact.sentence + fact.answer)
        whole = not paragraph.key and sentence_answers(fact)
        for place, question in enumerate(questions):
            short = whole and place == len(questions) - 1 > 0
            yield Example(
                IN_SHORT + question if short else question,
                clean(fact.sentence if whole and not short else fact.answer),
                f"{paragraph.document}#{told}",
                paragraph.document,
                paragraph.own,
                WAITING,
            )


def _facts(paragraph: Paragraph, listed: Sequence[str]) -> list[Fact]:
    if paragraph.key:
        return [Fact(paragraph.key, paragraph.own)]
    named = facts_named([line.strip() for line in listed], paragraph.own)
    facts = [*named]
    for fact in find_facts(paragraph.own):
        if not any(_same(fact, other) for other in named):
            facts.append(fact)
    return list(dict.fromkeys(facts))[:_MOST_FACTS]


def _same(one: Fact, other: Fact) -> bool:
    """Would the two be asked for alike?"""
    a, b = normalize(one.answer), normalize(other.answer)
    return one.sentence == other.sentence and (a in b or b in a)


def _openers(answer: str) -> tuple[str, ...]:
    """Return how questions with this answer may begin, the likeliest first."""
    if _COUNTING.search(answer):
        return "", "What", "How many", "How long", "How much", "Which", "When"
    if answer[:1].isupper():
        return "", "What", "Who", "Which", "Where", "In which", "When"
    return "", "What", "Where", "How", "Which", "In what", "Who"


def _why_not(question: str, fact: Fact) -> str:
    """Say why a question is no good, or nothing."""
    if not question.endswith("?") or len(question.split()) < 3:
        return "it is no question"
    if not stands_alone(question):
        return "it does not name its subject"
    if normalize(fact.answer) in normalize(question):
        return "it tells its own answer"
    return ""
