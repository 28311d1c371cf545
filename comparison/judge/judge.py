"""The judge: a language model that the Settings name, asked for one word."""

import hashlib
from dataclasses import dataclass

from comparison.judge.case import UNREAD, Case, Judgement, Said
from comparison.judge.prompt import PROMPT_SHA256, read_reply, settled, task
from comparison.lab import Lab
from workbench.language_models.engine import Engine
from workbench.language_models.prompts import messages

_MOST_TOKENS = 512
"""One word takes a few; a model that thinks first needs more."""
_KEY_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Judge:
    """Which model judges, told the prompt of now."""

    model: str
    sha256: str
    """Of its checkpoint; see `Checkpoint.sha256`."""

    @property
    def key(self) -> str:
        """What its judgements are kept under: another model or prompt is another judge."""
        told = f"{self.sha256}\n{PROMPT_SHA256}"
        return hashlib.sha256(told.encode()).hexdigest()[:_KEY_CHARACTERS]


def the_judge(lab: Lab) -> Judge:
    """Return the judge that the settings name: by default the model that answers.

    Raises:
        RagtuneError: there is no such model.
    """
    checkpoint = lab.checkpoint(lab.settings.judge or None)
    return Judge(checkpoint.name, checkpoint.sha256)


def load_judge(lab: Lab) -> Engine:
    """Load the judge's engine.

    Raises:
        RagtuneError: there is no such model, or it can't be loaded.
    """
    judge = lab.settings.judge
    return lab.engine_beside(judge) if judge else lab.engine()


def ask_judge(engine: Engine, case: Case) -> Judgement:
    """Put a case before the judge in both orders.

    Raises:
        RagtuneError: the engine can't answer.
    """
    forward, turned = _reply(engine, case), _reply(engine, case.turned)
    if isinstance(turned, int):
        turned = len(case.texts) - 1 - turned
    return Judgement(forward, turned)


def _reply(engine: Engine, case: Case) -> Said:
    chat = messages(task(case), "")
    tokens, reply = engine.count_tokens(chat), ""
    if engine.room is not None and tokens is not None and tokens + _MOST_TOKENS > engine.room:
        return UNREAD
    for piece in engine.stream(chat, max_new_tokens=_MOST_TOKENS):
        reply += piece.text
        if settled(reply):
            break
    return read_reply(reply, len(case.texts))
