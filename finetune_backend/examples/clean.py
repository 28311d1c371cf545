"""What is wrong with examples, each kind in one sentence, with the rows that it is about."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from finetune_backend.examples.exposures import RARE, count_exposures
from finetune_backend.examples.languages import language
from finetune_backend.examples.same_question import asked, one_more, same_questions, spoken
from finetune_backend.examples.wording import count_words, shorten
from finetune_backend.rows import Count
from finetune_backend.settings import TrainSettings
from workbench.values import Example

UNFINISHED_WORDS = 12
"""A last line with so many words is a sentence, which should end like one."""

_CUT = re.compile(r"(?:…|\.\.|[,;:(\[{„&–—]|(?:\s|\w\w)-)$")
# Quotation marks, brackets and marks of emphasis may follow the end of a sentence.
_ENDED = re.compile(r"[.!?。！？।؟][\"'“”’«»›)\]*_`]*$|[)\]“”«»`]$")
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
# What may be a control token of some model, such as <|im_end|> or [INST].
_MARKED = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")

_Words = tuple[tuple[str, ...], tuple[str, ...]]
"""What is said in a question and in its answer; see `spoken`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with some of the examples."""

    kind: str
    sentence: str
    rows: tuple[int, ...]
    """Places among the examples, from 0."""
    beside: tuple[str, ...]
    """For each row, what makes it one: what it repeats or contradicts, or how long it is."""
    removable: bool = False
    """Is a set without these rows as good, or better?"""


def find_faults(
    examples: Sequence[Example],
    settings: TrainSettings,
    count: Count | None = None,
    held_out: Sequence[str] = (),
) -> list[Finding]:
    """Return what is wrong with the examples; each kind at most once, and none if all is well.

    Args:
        examples: to be trained on.
        settings: of the fine-tune.
        count: counts a row's tokens, where the model is known; without it, nothing is said of
            their length.
        held_out: questions that a fine-tune will be tested with.
    """
    if not examples:
        return []
    words = [(spoken(example.question), spoken(example.answer)) for example in examples]
    found = [
        _held_out(examples, held_out),
        _without_text(examples),
        _repeated(examples, words),
        _contradictions(examples, words),
        _cut_off(examples),
        _other_language(examples),
        *_tokens(examples, settings.max_tokens, count),
        _rarely_seen(examples, settings),
    ]
    return [finding for finding in found if finding.rows]


def _held_out(examples: Sequence[Example], held_out: Sequence[str]) -> Finding:
    same = same_questions([example.question for example in examples], held_out)
    return Finding(
        "held_out",
        f"{_rows(same, 'asks', 'ask')} what the test asks, in the same words or nearly; "
        "the test would only show that they were learned by heart.",
        tuple(same),
        tuple(held_out[place] for place in same.values()),
        removable=True,
    )


def _without_text(examples: Sequence[Example]) -> Finding:
    found = {
        row: "the answer" if _says_something(example.question) else "the question"
        for row, example in enumerate(examples)
        if not (_says_something(example.question) and _says_something(example.answer))
    }
    return Finding(
        "without_text",
        f"{_rows(found, 'has', 'have')} a question or an answer without a letter or digit.",
        tuple(found),
        tuple(found.values()),
        removable=True,
    )


def _repeated(examples: Sequence[Example], words: Sequence[_Words]) -> Finding:
    """Find rows whose answer is another's, and whose question reads almost as that one's.

    Other wordings of a question are no repetition: they are what teaches a fact.
    """
    first: dict[_Words, int] = {}
    repeats: dict[int, int] = {}
    by_answer: dict[tuple[str, ...], dict[frozenset[str], list[int]]] = {}
    for row, (question, answer) in enumerate(words):
        if first.setdefault((question, answer), row) != row:
            repeats[row] = first[question, answer]
        else:
            alike = by_answer.setdefault(answer, {})
            alike.setdefault(asked(examples[row].question), []).append(row)
    near = sorted(
        (max(one, other), min(one, other))
        for alike in by_answer.values()
        for longer, shorter in one_more(alike, alike)
        for one in alike[longer]
        for other in alike[shorter]
        if _lacks_one(words[one][0], words[other][0])
    )
    for row, other in near:
        if other not in repeats:
            repeats.setdefault(row, other)
    rows = sorted(repeats)
    return Finding(
        "repeated",
        f"{_rows(rows, 'repeats', 'repeat')} another: the same answer to the same question, "
        "but for case, punctuation or a word.",
        tuple(rows),
        tuple(examples[repeats[row]].question for row in rows),
        removable=True,
    )


def _lacks_one(longer: Sequence[str], shorter: Sequence[str]) -> bool:
    """Is the shorter one the longer one without one word?"""
    if len(longer) != len(shorter) + 1:
        return False
    pairs = enumerate(zip(longer, shorter, strict=False))
    at = next((place for place, (one, other) in pairs if one != other), len(shorter))
    return tuple(longer[at + 1 :]) == tuple(shorter[at:])


def _contradictions(examples: Sequence[Example], words: Sequence[_Words]) -> Finding:
    answers: dict[tuple[str, ...], dict[tuple[str, ...], int]] = {}
    for row, (question, answer) in enumerate(words):
        answers.setdefault(question, {}).setdefault(answer, row)
    torn = [list(rows.values()) for rows in answers.values() if len(rows) > 1]
    many = "1 question has" if len(torn) == 1 else f"{len(torn):,} questions have"
    return Finding(
        "contradictions",
        f"{many} more than one answer, so that none of them is learned for sure.",
        tuple(row for rows in torn for row in rows),
        tuple(
            examples[rows[1] if row == rows[0] else rows[0]].answer for rows in torn for row in rows
        ),
    )


def _cut_off(examples: Sequence[Example]) -> Finding:
    found = {
        row: why for row, example in enumerate(examples) if (why := _why_cut_off(example.answer))
    }
    many = "1 answer seems" if len(found) == 1 else f"{len(found):,} answers seem"
    return Finding(
        "cut_off", f"{many} to be cut off in the middle.", tuple(found), tuple(found.values())
    )


def _why_cut_off(answer: str) -> str:
    """Say by what an answer seems to be cut off; nothing where it seems whole."""
    last = answer.strip().rpartition("\n")[2].strip()
    if _CUT.search(last):
        return f"ends with “{shorten(last[-12:])}”"
    if any(answer.count(opening) > answer.count(closing) for opening, closing in _BRACKETS):
        return "a bracket is not closed"
    if count_words(last) >= UNFINISHED_WORDS and not _ENDED.search(last):
        return f"no end after “{shorten(' '.join(last.split()[-3:]), 40)}”"
    return ""


def _other_language(examples: Sequence[Example]) -> Finding:
    said = [language(example) for example in examples]
    ((most, count), *_) = Counter(filter(None, said)).most_common(1) or [("", 0)]
    rows = [row for row, one in enumerate(said) if one not in ("", most)]
    return Finding(
        "other_language",
        f"{_rows(rows, 'seems', 'seem')} to be in another language than the {count:,} in {most}. "
        "Each language is learned by itself: ask for a fact in every one that it will be asked in.",
        tuple(rows),
        tuple(said[row] for row in rows),
    )


def _tokens(
    examples: Sequence[Example], max_tokens: int, count: Count | None
) -> tuple[Finding, Finding]:
    long: dict[int, int] = {}
    masked: list[int] = []
    # Counting takes a while; a token is at least a byte, so most rows are short for sure.
    room = max_tokens - count(Example("", "", "")).total if count else 0
    for row, example in enumerate(examples if count else ()):
        size = len(f"{example.question}{example.answer}".encode("utf-8", "replace"))
        if size <= room and _says_something(_MARKED.sub("", example.answer)):
            continue
        assert count is not None  # there are no rows without it
        tokens = count(example)
        if tokens.total > max_tokens:
            long[row] = tokens.total
        if not tokens.own:
            masked.append(row)
    return Finding(
        "too_long",
        f"{_rows(long, 'is', 'are')} longer than {max_tokens:,} tokens, "
        "and a fine-tune would be refused. Shorten them, or raise max_tokens.",
        tuple(long),
        tuple(f"{tokens:,} tokens" for tokens in long.values()),
    ), Finding(
        "masked",
        f"{_rows(masked, 'has', 'have')} an answer without a token of its own; "
        "nothing would be learned.",
        tuple(masked),
        ("nothing to learn",) * len(masked),
        removable=True,
    )


def _rarely_seen(examples: Sequence[Example], settings: TrainSettings) -> Finding:
    exposures = count_exposures(examples, settings)
    times = dict(exposures.rare)
    rows = [row for row, example in enumerate(examples) if example.fact in times]
    many = "1 fact is" if len(times) == 1 else f"{len(times):,} facts are"
    return Finding(
        "rarely_seen",
        f"{many} seen less than {RARE:.0%} as often as the median of {exposures.median:g} times. "
        "Ask for them in other words as well.",
        tuple(rows),
        tuple(f"seen {times[examples[row].fact]:,} times" for row in rows),
    )


def _says_something(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _rows(rows: Sequence[int] | dict[int, int] | dict[int, str], one: str, more: str) -> str:
    return f"1 row {one}" if len(rows) == 1 else f"{len(rows):,} rows {more}"
