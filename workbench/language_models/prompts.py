"""How a question becomes the text that the model reads: the same for all four methods."""

from typing import Any

from workbench.errors import RagtuneError

MAX_QUESTION_CHARACTERS = 4_000


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


def passage_prompt(passages: str, question: str) -> str:
    """Return what the user says when passages are given.

    Of eight prompts, the one that the default model answers best; longer instructions
    hurt small models. Joined, not formatted: a passage may hold braces.
    """
    return f"{passages}\n\nBased on the text above, {question}"


def messages(user: str, system: str) -> list[dict[str, str]]:
    """Return the chat messages for one user turn; an empty system prompt is left out."""
    start = [{"role": "system", "content": system}] if system.strip() else []
    return [*start, {"role": "user", "content": user}]


def render(tokenizer: Any, chat: list[dict[str, str]]) -> str:
    """Return the prompt text up to the point where the model's answer begins.

    A checkpoint without a chat template gets a plain one, so that base models work too.
    The model's control tokens are taken out of what people and documents say, so that no
    text can end its turn and speak as somebody else.
    """
    chat = [
        {**turn, "content": _without_control_tokens(tokenizer, turn["content"])} for turn in chat
    ]
    if tokenizer.chat_template:
        return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))
    turns = [message["content"] for message in chat]
    return "\n\n".join(turns) + "\nAnswer: "


def _without_control_tokens(tokenizer: Any, text: str) -> str:
    for token in tokenizer.added_tokens_decoder.values():
        if token.special:
            # A space, so that what stood around it doesn't close up to another one.
            text = text.replace(token.content, " ")
    return text
