"""Whether a set of examples can be trained on, and what to expect of it."""

from collections.abc import Sequence

from finetune_backend.examples.wording import count_words, fold, shorten
from workbench.errors import ExamplesError
from workbench.values import Example

MIN_EXAMPLES = 4
GOOD_WORDINGS_PER_FACT = 3
LONG_ANSWER_WORDS = 120


def check_training_set(examples: Sequence[Example]) -> list[str]:
    """Return warnings about a training set, each one plain sentence or two; none if all is well.

    Raises:
        ExamplesError: The set is empty, has fewer than 4 examples, or asks one question only.
    """
    check_enough(examples)
    return [*_few_wordings(examples), *_contradictions(examples), *_long_answers(examples)]


def check_enough(examples: Sequence[Example]) -> None:
    """Make sure that there is something to train on.

    Raises:
        ExamplesError: The set is empty, has fewer than 4 examples, or asks one question only.
    """
    if len(examples) < MIN_EXAMPLES:
        given = {0: "No examples were", 1: "1 example was"}.get(
            len(examples), f"{len(examples)} examples were"
        )
        raise ExamplesError(
            f"{given} given; a fine-tune needs at least {MIN_EXAMPLES}. "
            "Import more, or build them from more documents."
        )
    if len({fold(example.question) for example in examples}) == 1:
        raise ExamplesError(
            f"All {len(examples)} examples ask the same question, "
            f"“{shorten(examples[0].question)}”; a fine-tune needs different ones. "
            "Add other questions."
        )


def general_warnings(examples: Sequence[Example]) -> list[str]:
    """Return the warnings that are about the set and not about some of its rows."""
    return [*_few_wordings(examples), *_long_answers(examples)] if examples else []


def _few_wordings(examples: Sequence[Example]) -> list[str]:
    wordings = {(example.fact, fold(example.question)) for example in examples}
    facts = {example.fact for example in examples}
    average = len(wordings) / len(facts)
    if average >= GOOD_WORDINGS_PER_FACT:
        return []
    # Rounded down: an average of 2.97 must not be reported as 3.0 and called too few.
    few = int(average * 10) / 10
    warning = (
        f"There {'is 1 wording' if few == 1 else f'are {few:g} wordings'} per fact on average; "
        f"with fewer than {GOOD_WORDINGS_PER_FACT}, recall of unseen wordings will be poor. "
        "Ask for each fact in other words as well."
    )
    return [warning]


def _contradictions(examples: Sequence[Example]) -> list[str]:
    answers_by_question: dict[str, dict[str, Example]] = {}
    for example in examples:
        answers = answers_by_question.setdefault(fold(example.question), {})
        answers.setdefault(fold(example.answer), example)
    torn = [list(answers.values()) for answers in answers_by_question.values() if len(answers) > 1]
    if not torn:
        return []
    first, second = torn[0][:2]
    many = "1 question has" if len(torn) == 1 else f"{len(torn)} questions have"
    warning = (
        f"{many} more than one answer; the first is “{shorten(first.question)}”, with "
        f"“{shorten(first.answer)}” and “{shorten(second.answer)}”. "
        "Keep one answer for each question."
    )
    return [warning]


def _long_answers(examples: Sequence[Example]) -> list[str]:
    lengths = [count_words(example.answer) for example in examples]
    long = [length for length in lengths if length > LONG_ANSWER_WORDS]
    if not long:
        return []
    many = "1 answer has" if len(long) == 1 else f"{len(long)} answers have"
    warning = (
        f"{many} more than {LONG_ANSWER_WORDS} words (the longest {max(long)}); "
        "long answers are learned slowly and may be cut off. Shorten them to what was asked."
    )
    return [warning]
