"""Examples as token rows, in batches drawn at random."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import ExamplesError
from workbench.language_models.prompts import count_tokens, messages, render, shared_tokens
from workbench.values import Example

_TEXTS_SHARE = 3
"""A text takes at most a third of what is computed at once with it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example in tokens: the model reads the prompt and learns the answer."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    """Ends with the end-of-text token, so that the model learns to stop."""
    text: int = 0
    """Tokens at the start of the prompt that hold a text which several rows ask about; these
    are drawn together, and the text is computed once. 0 where the row stands for itself."""
    general: bool = False
    """Is it general text, which comes beside the examples of a batch? See `replay`."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class RowTokens:
    """How many tokens a row is."""

    total: int
    own: int
    """Of the answer, without control tokens: what is learned besides where to stop."""


Count = Callable[[Example], RowTokens]


def make_rows(
    examples: Sequence[Example],
    tokenizer: Any,
    system_prompt: str,
    max_tokens: int,
    word_dropout: float = 0.0,
    seed: int = 0,
) -> list[Row]:
    """Tokenize examples with the prompt that will be used when questions are asked.

    Args:
        examples: the training set.
        tokenizer: the checkpoint's.
        system_prompt: as it will be when questions are asked.
        max_tokens: the longest row allowed.
        word_dropout: share of each question's words to leave out at random. Made anew for
            every epoch, it stands in for wordings that nobody wrote down.
        seed: of the random choice.

    Raises:
        ExamplesError: a row is longer than ``max_tokens``.
    """
    rng = random.Random(seed)
    rows = []
    for number, example in enumerate(examples, start=1):
        question = _with_words_dropped(example.question.strip(), word_dropout, rng)
        row = make_row(tokenizer, messages(question, system_prompt), example.answer.strip())
        if len(row) > max_tokens:
            raise ExamplesError(
                f"Example {number} ({example.question[:60]!r}) is {len(row):,} tokens long; "
                f"at most {max_tokens:,} are trained on. Shorten it, or raise max_tokens."
            )
        rows.append(row)
    return rows


def make_row(tokenizer: Any, chat: list[dict[str, str]], answer: str) -> Row:
    """Return the row that teaches a model to say this answer in this conversation."""
    prompt, said = (
        tokenizer(text, add_special_tokens=False)["input_ids"]
        for text in (render(tokenizer, chat), answer)
    )
    return Row(tuple(prompt), (*said, tokenizer.eos_token_id))


def row_counter(tokenizer: Any, system_prompt: str) -> Count:
    """Return what counts the tokens of an example as `make_rows` makes them."""
    control = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}

    def count(example: Example) -> RowTokens:
        prompt = count_tokens(tokenizer, messages(example.question.strip(), system_prompt))
        said = tokenizer(example.answer.strip(), add_special_tokens=False)["input_ids"]
        own = sum(token not in control for token in said)
        return RowTokens(prompt + len(said) + 1, own)  # the end-of-text token is one more

    return count


def _with_words_dropped(question: str, share: float, rng: random.Random) -> str:
    words = question.split()
    kept = [word for word in words if rng.random() >= share]
    # A question of which next to nothing is left would teach the answer to anything.
    return " ".join(kept) if len(kept) >= max(2, len(words) // 2) else question


def batches(rows: Sequence[Row], batch_size: int, seed: int) -> Iterator[list[Row]]:
    """Yield one epoch of batches, drawn at random; rows about one text count as one.

    General text is spread evenly over them and counts as none, so that it makes no steps.
    """
    order, general = drawn_together(rows), [row for row in rows if row.general]
    random.Random(seed).shuffle(order)
    count = math.ceil(len(order) / batch_size)
    for n in range(count):
        drawn = order[n * batch_size : (n + 1) * batch_size]
        beside = general[n * len(general) // count : (n + 1) * len(general) // count]
        yield [*(row for group in drawn for row in group), *beside]


def drawn_together(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the examples' rows in groups: those about one text, and each other by itself."""
    groups = about_one_text(rows)
    groups.pop(None, None)
    return [*([row] for row in groups.pop((), [])), *groups.values()]


def about_one_text(rows: Sequence[Row]) -> dict[tuple[int, ...] | None, list[Row]]:
    """Return the rows by the text that they ask about; those that stand for themselves by ().

    General text is at None: it begins otherwise than examples do, which would share nothing then.
    """
    groups: dict[tuple[int, ...] | None, list[Row]] = {}
    for row in rows:
        groups.setdefault(None if row.general else row.prompt[: row.text], []).append(row)
    return groups


def shared_prefix(rows: Sequence[Row]) -> int:
    """Return how many tokens all prompts begin with; each keeps one of its own."""
    # The smallest and the largest in order differ first where any two do.
    first, last = min(row.prompt for row in rows), max(row.prompt for row in rows)
    return min(shared_tokens(first, last), *(len(row.prompt) - 1 for row in rows))


def split_batch(
    batch: Sequence[Row], token_budget: int, prefix_of: Callable[[Sequence[Row]], int]
) -> Iterator[tuple[list[Row], int]]:
    """Yield the parts of a batch, computed one after the other, with the tokens each shares.

    Args:
        batch: its rows.
        token_budget: the tokens of a part. One about a long text has more, so that the text is
            not computed again for every few questions.
        prefix_of: how many tokens of some rows are computed once.
    """
    for group in about_one_text(batch).values():
        prefix = prefix_of(group)
        for part in micro_batches(group, prefix, max(token_budget, _TEXTS_SHARE * prefix)):
            yield part, prefix


def micro_batches(batch: Sequence[Row], prefix: int, token_budget: int) -> list[list[Row]]:
    """Split a batch into parts that are computed one after the other, which bounds memory.

    Args:
        batch: at least one row.
        prefix: tokens that all rows share and that each part holds once.
        token_budget: the tokens of a part; a longer row is a part by itself.
    """
    parts: list[list[Row]] = []
    left = 0
    for row in sorted(batch, key=len):
        if not parts or len(row) - prefix > left:
            parts.append([])
            left = token_budget - prefix
        parts[-1].append(row)
        left -= len(row) - prefix
    return parts
