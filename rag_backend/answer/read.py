"""What the model gets to read: the best passages that its context has room for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from workbench.language_models.prompts import DEFAULT_TEMPLATE, messages, passage_prompt

Fits = Callable[[list[dict[str, str]]], bool]
"""Does the model have room for these chat messages and its answer?"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Exactly what is said to the model, and which of the passages are in it."""

    messages: tuple[dict[str, str], ...]
    passages: int
    """How many of the passages, best first, it holds."""


def write_prompt(
    question: str,
    passages: Sequence[Document],
    fits: Fits = lambda _messages: True,
    template: str = DEFAULT_TEMPLATE,
    system: str = "",
) -> Prompt:
    """Write the prompt with as many passages, best first, as there is room for.

    One is always there: where even that has no room, the model says so.
    """
    for count in range(len(passages), 0, -1):
        text = "\n\n".join(passage.page_content for passage in passages[:count])
        said = messages(passage_prompt(text, question, template), system)
        if count == 1 or fits(said):
            return Prompt(tuple(said), count)
    raise ValueError("no passages were given; at least one was expected")
