"""Examples in three parts: to train on, to choose settings with, and to test with at the end.

Rows are never parted from the other rows of their fact, or of their document, and neither are
facts that share a question: else a test would ask what was learned by heart. Where the answers are
labels, each of them is a fact of many questions, and all parts need all labels: there, only
questions are never parted.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from finetune_backend.examples.same_question import joined, same_questions
from finetune_backend.examples.wording import count_words, fold, short_hash
from workbench.errors import ExamplesError
from workbench.values import Example

BY = ("fact", "document", "label")
SHARES = (0.8, 0.1, 0.1)
PARTS = ("train", "validation", "test")
_ROWS_OF_A_LABEL = 5
_WORDS_OF_A_LABEL = 5


@dataclass(frozen=True, slots=True)
class Split:
    """Three parts of a set of examples; each keeps their order."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    labels: tuple[str, ...] = ()
    """Every answer there is, where the examples were parted by label."""


def usual_by(examples: Sequence[Example]) -> str:
    """Return what examples are best parted by: "label" where their answers seem to be labels.

    That is where nobody named their facts, and few short answers have at least five rows each.
    """
    rows = Counter(example.answer for example in examples)
    labels = (
        len(examples) >= _ROWS_OF_A_LABEL * len(rows) > 0
        and all(count_words(answer) <= _WORDS_OF_A_LABEL for answer in rows)
        and all(example.fact == short_hash(example.answer) for example in examples)
    )
    return "label" if labels else "fact"


def split(
    examples: Sequence[Example],
    by: str = "fact",
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> Split:
    """Part examples by fact, document or label; the same seed gives the same parts.

    Args:
        examples: at least as many facts, or documents, as parts.
        by: "fact"; "document": then a document's facts stay together as well, and a row without
            a document goes with its fact; or "label": then each label's questions are parted,
            and a label that has fewer of them than there are parts is trained on.
        shares: of train, validation and test, about; a part with the share 0 stays empty.
        seed: of the random choice.

    Raises:
        ExamplesError: the shares do not add up to 1, or there is too little to part.
        ValueError: ``by`` is none of these.
    """
    if by not in BY:
        raise ValueError(f"by is {by!r}; one of {', '.join(BY)} was expected.")
    _check_shares(shares)
    groups = _groups(examples, by)
    random.Random(seed).shuffle(groups)
    strata = _by_label(examples, groups) if by == "label" else [groups]
    wanted = sum(share > 0 for share in shares)
    most = max(map(len, strata), default=0)
    if most < wanted:
        raise _too_few(by, most, wanted)
    rows: tuple[list[int], ...] = ([], [], [])
    for stratum in strata:
        # What is too little to part is trained on.
        for part, more in zip(
            rows, _shared_out(stratum, shares if len(stratum) >= wanted else (1, 0, 0)), strict=True
        ):
            part += more
    parts = [tuple(examples[row] for row in sorted(part)) for part in rows]
    labels = sorted({example.answer for example in examples}) if by == "label" else ()
    made = Split(parts[0], parts[1], parts[2], tuple(labels))
    tested = [example.question for example in (*made.validation, *made.test)]
    assert not same_questions([example.question for example in made.train], tested)
    return made


def to_exam(examples: Iterable[Example], labels: Sequence[str] = ()) -> str:
    """Write examples as an exam: JSONL with question, answers, fact and document.

    A question with several answers is asked once, and each of them is right. Where there are
    labels, they are the options of every question, so that it is scored as a classification.
    """
    asked: dict[str, list[Example]] = {}
    for example in examples:
        asked.setdefault(fold(example.question), []).append(example)
    lines = []
    for alike in asked.values():
        first = alike[0]
        answers = list(dict.fromkeys(example.answer for example in alike))
        row: dict[str, Any] = {"question": first.question, "answers": answers, "fact": first.fact}
        if labels:
            row["options"] = list(labels)
        if first.document is not None:
            row["document"] = first.document
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def _check_shares(shares: Sequence[float]) -> None:
    fits = len(shares) == len(PARTS) and all(0 <= share <= 1 for share in shares)
    if not fits or not math.isclose(sum(shares), 1.0, abs_tol=1e-6) or not shares[0]:
        given = ", ".join(f"{share:g}" for share in shares) or "none"
        raise ExamplesError(
            f"The shares are {given}; three from 0 to 1 that add up to 1 were expected: of "
            f"{', '.join(PARTS)}, and something to train on."
        )


def _too_few(by: str, groups: int, wanted: int) -> ExamplesError:
    needed = f"at least {wanted} are needed for {wanted} parts."
    if by == "label":
        return ExamplesError(
            f"No label has more than {groups} questions that differ; {needed} Add examples."
        )
    many = f"1 group of {by}s" if groups == 1 else f"{groups} groups of {by}s"
    return ExamplesError(
        f"The examples fall into {many} that share no question; {needed} "
        "Add examples about something else" + (", or split by fact." if by == "document" else ".")
    )


def _by_label(examples: Sequence[Example], groups: Sequence[list[int]]) -> list[list[list[int]]]:
    """Return each label's groups; one with several labels counts for its first."""
    labels: dict[str, list[list[int]]] = {}
    for rows in groups:
        labels.setdefault(examples[rows[0]].answer, []).append(rows)
    return list(labels.values())


def _groups(examples: Sequence[Example], by: str) -> list[list[int]]:
    """Return the rows that must stay together, in the order in which they begin."""
    parent = list(range(len(examples)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    first: dict[tuple[str, object], int] = {}
    questions = joined([example.question for example in examples])
    for row, (example, question) in enumerate(zip(examples, questions, strict=True)):
        ties: list[tuple[str, object]] = [("question", question)]
        if by != "label":
            ties.append(("fact", example.fact))
        if by == "document" and example.document is not None:
            ties.append(("document", example.document))
        for tie in ties:
            one, other = sorted((root(row), root(first.setdefault(tie, row))))
            parent[other] = one
    rows = sorted(range(len(examples)), key=lambda row: (root(row), row))
    return [list(group) for _, group in groupby(rows, key=root)]


def _shared_out(groups: Sequence[list[int]], shares: Sequence[float]) -> list[list[int]]:
    """Give each group to the part that lacks the most; each part with a share gets one."""
    total = sum(map(len, groups))
    targets = [share * total for share in shares]
    smallest = min(target for target in targets if target)
    lacking = list(targets)
    parts: list[list[list[int]]] = [[] for _ in targets]
    # A group that is larger than a whole part comes first, while there is room for it.
    for group in sorted(groups, key=lambda group: max(smallest, len(group)), reverse=True):
        most = lacking.index(max(lacking))
        parts[most].append(group)
        lacking[most] -= len(group)
    for part, target in zip(parts, targets, strict=True):
        if target and not part:
            giver = max(parts, key=len)
            least = min(giver, key=len)
            giver.remove(least)
            part.append(least)
    return [[row for group in part for row in group] for part in parts]
