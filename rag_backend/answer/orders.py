"""Passages that give the model orders, which a reader of its answer should know about."""

import re

_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}"
    r"\b(?:instructions?|prompts?|rules|orders|questions?|above|before|previous|earlier)\b"
    r"|\byou (?:are|act) (?:now|from now on)\b"
    r"|\b(?:pretend|act) (?:to be|as if you|as an?)\b[^.!?\n]{0,40}\b(?:assistant|model|ai|bot)\b"
    r"|\b(?:system prompt|new instructions?:)"
    r"|\binstructions? (?:for|to) (?:the )?(?:assistant|model|ai)\b"
    r"|\b(?:always|only|just) (?:answer|reply|respond|say)\b"
    r"|\b(?:answer|reply|respond) (?:only )?with\b",
    re.IGNORECASE,
)


def gives_orders(text: str) -> bool:
    """Does a passage seem to tell the model what to say?

    Only to warn: it is read like any other, since a manual for clerks gives orders too, and
    since no list of phrases finds all of them.
    """
    return _ORDERS.search(text) is not None
