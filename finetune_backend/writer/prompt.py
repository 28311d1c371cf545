"""What the question writer is told, when it is trained and when it writes."""

from workbench.language_models.prompts import messages

OPENERS = (
    "What",
    "Which",
    "Who",
    "When",
    "Where",
    "Why",
    "How many",
    "How much",
    "How long",
    "How",
    "In what",
    "In which",
)
"""How a question may be made to begin: one passage and one answer give several wordings."""


def writer_prompt(passage: str, answer: str, opener: str) -> list[dict[str, str]]:
    """Return the conversation that asks for a question.

    Args:
        passage: as it is read, with its title and headings.
        answer: a span of it.
        opener: one of `OPENERS`; empty where the writer may choose.
    """
    beginning = f' It begins with "{opener}".' if opener else ""
    asked = f"Write a question about the text above.{beginning} Its answer is: {answer}"
    return messages(f"{passage}\n\n{asked}", "")


def facts_prompt(passage: str) -> list[dict[str, str]]:
    """Return the conversation that asks for answers to ask about, one on each line."""
    return messages(f"{passage}\n\nList the facts in the text above that one could ask for.", "")


def opener_of(question: str) -> str:
    """Return how a question begins, as in `OPENERS`; empty where in no such way."""
    words = question.split()
    for count in (2, 1):
        opener = " ".join(words[:count]).capitalize()
        if opener in OPENERS:
            return opener
    return ""
