"""Questions and answers that a document already contains, found without a language model."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from finetune_backend.examples.tables import ask_about_row
from finetune_backend.examples.wording import (
    MAX_ANSWER_CHARS,
    MAX_QUESTION_CHARS,
    clean,
    count_words,
    fold,
    short_hash,
)
from workbench.values import Block, Example

MAX_ANSWER_WORDS = 60
"""An answer taken from running text ends with the last sentence inside this many words."""
MAX_SENTENCE_WORDS = 120
"""A first sentence longer than this is no answer: it is code, or text that lost its full stops."""
MIN_TABLE_ROWS = 3

# "Q:", "A 2:", "**Question:**" at the start of a line, or on the same line after a sentence end.
# The possessive quantifiers keep a long run of spaces from being tried in every split.
_MARK = re.compile(
    r"(?:^|\n|(?<=[?？.!。！])(?=[ \t]))[ \t]*+(?:[-*•>][ \t]++)?[*_]*+"
    r"(?P<kind>[QA]|(?i:question|answer))[ \t]*+\d{0,3}[*_]*+[ \t]*+[:：][*_]*"
)
# A full stop before a small letter ends an abbreviation, and one after a number at the start of
# a line numbers a list.
_SENTENCE_END = re.compile(
    r"(?<!^\d)(?<!^\d\d)(?<!\n\d)(?<!\n\d\d)[.!?…][\"'”’)\]]*(?=\s+[^\sa-z])|[。！？]|$"
)
_NUMBERING = re.compile(r"\d+(?:\.\d+)*[.)]\s+|\d+(?:\.\d+)+\s+(?=[A-Z])")

_Found = tuple[int, tuple[str, ...], str, str]
"""Where it stands (block), the wordings of its question, its answer, the text it came from."""


def find_examples(document: str, blocks: Sequence[Block]) -> list[Example]:
    """Find the questions and answers that a document contains, in reading order.

    Three things are recognised: text marked "Q: … A: …" or "Question: … Answer: …" in one block
    or two; headings that are questions, answered by the text directly under them (cut to about
    60 words at a sentence end); and tables of at least 3 rows, whose first column names
    what each row is about.

    Only table rows get several wordings, which share one fact. The fact is
    ``document#hash of the first wording``. A question that the document answers in two ways is
    left out, since the question alone must decide what is learned; and so is a question of more
    than 2,000 characters, or with an answer of more than 4,000.
    """
    found = sorted(
        [*_marked_pairs(blocks), *_question_headings(blocks), *_table_rows(blocks)],
        key=lambda one: one[0],
    )
    examples: dict[str, Example] = {}
    torn: set[str] = set()
    for _, wordings, answer, passage in found:
        fact = f"{document}#{short_hash(clean(wordings[0]))}"
        for wording in wordings:
            example = Example(clean(wording), clean(answer), fact, document, clean(passage))
            if not 0 < len(example.question) <= MAX_QUESTION_CHARS:
                continue
            if not 0 < len(example.answer) <= MAX_ANSWER_CHARS:
                continue
            first = examples.setdefault(fold(example.question), example)
            if fold(first.answer) != fold(example.answer):
                torn.add(first.fact)
                torn.add(fact)
    return [example for example in examples.values() if example.fact not in torn]


def _marked_pairs(blocks: Sequence[Block]) -> Iterator[_Found]:
    """Yield each "Q:" that an "A:" follows, in the same block or at the start of the next."""
    open_question: tuple[int, str, str] | None = None
    for at, block in enumerate(blocks):
        text = clean(block.text)
        marks = [] if block.cells else list(_MARK.finditer(text))
        ends = [*(mark.start() for mark in marks), len(text)][1:]
        for mark, end in zip(marks, ends, strict=True):
            marked = text[mark.start() : end].strip()
            said = text[mark.end() : end].strip()
            if said.count("**") % 2:
                said = said.removesuffix("**")  # the bold print began before the mark
            if mark["kind"].casefold().startswith("q"):
                open_question = (at, said, marked)
                continue
            if open_question is not None:
                asked_at, question, passage = open_question
                adjoins = asked_at == at or (
                    asked_at == at - 1
                    and not text[: mark.start()].strip()
                    and blocks[asked_at].headings == block.headings
                )
                if adjoins and question and said:
                    yield asked_at, (question,), said, f"{passage}\n{marked}"
            open_question = None


def _question_headings(blocks: Sequence[Block]) -> Iterator[_Found]:
    """Yield each heading that is a question, with the beginning of the text directly under it."""
    below = 0
    for headings, group in groupby(blocks, key=lambda block: block.headings):
        section = list(group)
        start, below = below, below + len(section)
        question = _heading_question(headings[-1]) if headings else None
        if question is None:
            continue
        texts: list[str] = []
        for block in section:
            text = clean(block.text)
            if block.cells:
                break  # a table that is cut after some rows would answer wrongly
            mark = _MARK.match(text)
            if mark and not texts and mark["kind"].casefold().startswith("a"):
                text = text[mark.end() :].strip()
            elif mark:
                break  # a marked question is found as such
            texts.append(text)
        answer = _beginning(texts)
        if answer:
            passage = (headings[-1], *texts[: len(answer)])
            yield start, (question,), "\n".join(answer), "\n".join(passage)


def _heading_question(heading: str) -> str | None:
    """Return the heading without numbering and marks if it is a question of at least two words."""
    text = heading.strip(" \t*_#¶")
    mark = _MARK.match(text)
    if mark and mark["kind"].casefold().startswith("q"):
        text = text[mark.end() :].strip()
    text = _NUMBERING.sub("", text, count=1) if _NUMBERING.match(text) else text
    # "Why?" alone asks nothing without the headings above it.
    is_one_word = count_words(text) == 1
    return text if text.endswith(("?", "？")) and not is_one_word else None


def _beginning(paragraphs: Sequence[str]) -> list[str]:
    """Return the first paragraphs, the last cut so that all have about 60 words; or nothing.

    The cut is at a sentence end. There is nothing where not even the first sentence will do.
    """
    kept: list[str] = []
    words = 0
    for paragraph in paragraphs:
        end = 0
        for mark in _SENTENCE_END.finditer(paragraph):
            length = count_words(paragraph[end : mark.end()])
            limit = MAX_SENTENCE_WORDS if words == 0 else MAX_ANSWER_WORDS
            if words + length > limit:
                break
            words += length
            end = mark.end()
        if end:
            kept.append(paragraph[:end])
        if end < len(paragraph):
            break
    # "Follow these steps:" promises what did not fit.
    while kept and kept[-1].endswith((":", "：")):
        kept.pop()
    return kept


def _table_rows(blocks: Sequence[Block]) -> Iterator[_Found]:
    """Yield questions about the rows of tables of at least 3 rows: each cell by the first one.

    With more than two columns, the first has to tell the rows apart.
    """
    tables: dict[tuple[str, ...], list[int]] = {}
    for at, block in enumerate(blocks):
        if len(block.cells) > 1:
            tables.setdefault(tuple(column for column, _ in block.cells), []).append(at)
    for columns, rows in tables.items():
        keys = [fold(blocks[at].cells[0][1]) for at in rows]
        if len(rows) < MIN_TABLE_ROWS or (len(columns) > 2 and len(set(keys)) < len(keys)):
            continue
        for at in rows:
            key, *others = blocks[at].cells
            for cell in others:
                asked = ask_about_row((key, cell))
                if asked:
                    yield at, asked.questions, asked.answer, blocks[at].text
