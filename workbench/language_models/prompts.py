"""How a question becomes the text that the model reads: the same for all four methods."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from workbench.errors import RagtuneError

MAX_QUESTION_CHARACTERS = 4_000
PLACES = ("{passages}", "{question}")
DEFAULT_TEMPLATE = "{passages}\n\nBased on the text above, {question}"
"""Of eight prompts, the one that the default model answers best; longer instructions hurt
small models."""
_BROKEN_CHARACTER = "\ufffd"  # what an incomplete UTF-8 sequence decodes to


def check_question(question: str) -> str:
    """Return the question without surrounding space.

    Raises:
        RagtuneError: it is empty or longer than MAX_QUESTION_CHARACTERS.
    """
    question = question.strip()
    if not question:
        raise RagtuneError("The question is empty. Type a question and ask again.")
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise RagtuneError(
            f"The question has {len(question):,} characters; at most "
            f"{MAX_QUESTION_CHARACTERS:,} can be asked. Shorten it, or add the long part "
            "as a document and ask about that."
        )
    return question


def check_template(template: str) -> str:
    """Return a template for `passage_prompt` as it is.

    Raises:
        RagtuneError: it doesn't hold each of its two places exactly once.
    """
    for place in PLACES:
        if (count := template.count(place)) != 1:
            raise RagtuneError(
                f"The prompt holds {place} {count} times; once was expected. For example: "
                f"{DEFAULT_TEMPLATE!r}."
            )
    return template


def passage_prompt(passages: str, question: str, template: str = DEFAULT_TEMPLATE) -> str:
    """Return what the user says when passages are given.

    Put in place, not formatted: a passage may hold braces, and even the template's places.
    """
    values = dict(zip(PLACES, (passages, question), strict=True))
    parts = re.split(f"({'|'.join(map(re.escape, PLACES))})", check_template(template))
    return "".join(values.get(part, part) for part in parts)


def messages(user: str, system: str) -> list[dict[str, str]]:
    """Return the chat messages for one user turn; an empty system prompt is left out."""
    start = [{"role": "system", "content": system}] if system.strip() else []
    return [*start, {"role": "user", "content": user}]


def render(tokenizer: Any, chat: list[dict[str, str]]) -> str:
    """Return the prompt text up to the point where the model's answer begins.

    A checkpoint without a chat template gets a plain one, so that base models work too.
    The model's control tokens are taken out of what people and documents say, so that no
    text can end its turn and speak as somebody else. Where the last turn is the assistant's, it
    is how the answer begins, and the model goes on from there.
    """
    begun = ""
    if chat[-1]["role"] == "assistant":
        chat, begun = chat[:-1], chat[-1]["content"]
    chat = [
        {**turn, "content": _without_control_tokens(tokenizer, turn["content"])} for turn in chat
    ]
    if tokenizer.chat_template:
        said = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        return f"{said}{begun}"
    turns = [message["content"] for message in chat]
    return "\n\n".join(turns) + f"\nAnswer: {begun}"


def count_tokens(tokenizer: Any, chat: Sequence[dict[str, str]]) -> int:
    """Return how many tokens a conversation is, up to where the answer begins."""
    return len(tokenizer(render(tokenizer, list(chat)), add_special_tokens=False)["input_ids"])


def opening_tokens(tokenizer: Any, system: str) -> int:
    """Return how many tokens every conversation with this system prompt begins with."""
    one, other = (
        tokenizer(render(tokenizer, messages(user, system)), add_special_tokens=False)["input_ids"]
        for user in ("Who?", "1")
    )
    return shared_tokens(one, other)


def shared_tokens(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def encode(
    tokenizer: Any,
    chat: Sequence[dict[str, str]],
    max_new_tokens: int,
    room: int | None,
    model: str,
) -> list[int]:
    """Return the prompt in tokens.

    Args:
        tokenizer: the model's.
        chat: chat messages with ``role`` and ``content``.
        max_new_tokens: how long the answer may become.
        room: the model's context in tokens; None where it has no bound.
        model: the model's name, for the error.

    Raises:
        RagtuneError: prompt and answer don't fit the context.
    """
    prompt: list[int] = tokenizer(render(tokenizer, list(chat)), add_special_tokens=False)[
        "input_ids"
    ]
    if room is not None and len(prompt) + max_new_tokens > room:
        raise RagtuneError(
            f"The question and its passages are {len(prompt):,} tokens long; with "
            f"{max_new_tokens} for the answer, {model} has room for "
            f"{room:,}. Ask less at once, or let fewer passages be read (Settings)."
        )
    return prompt


def text_of(tokenizer: Any, written: Iterable[Sequence[int]]) -> Iterator[tuple[str, int]]:
    """Yield the text that each bit of an answer adds, and the tokens written by then.

    Half a character waits for its other half.

    Args:
        tokenizer: the model's.
        written: an answer's tokens, some at a time; none where there is nothing new.
    """
    tokens, shown = list[int](), ""
    for fresh in written:
        tokens.extend(fresh)
        text = tokenizer.decode(tokens, skip_special_tokens=True) if fresh else shown
        added = "" if text.endswith(_BROKEN_CHARACTER) else text[len(shown) :]
        shown += added
        yield added, len(tokens)


def _without_control_tokens(tokenizer: Any, text: str) -> str:
    for token in tokenizer.added_tokens_decoder.values():
        if token.special:
            # A space, so that what stood around it doesn't close up to another one.
            text = text.replace(token.content, " ")
    return text
