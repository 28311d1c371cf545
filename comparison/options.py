"""Questions with options, scored by how likely the model finds each of them as its answer."""

import time
from collections.abc import Sequence
from typing import Any

from comparison.answer import Answer
from comparison.exams.exam import ExamQuestion
from workbench.language_models.engine import Engine
from workbench.language_models.likelihood import Likelihood

_NOT_WEIGHED: dict[str, Any] = dict.fromkeys(
    (
        *("option_nats", "option_tokens", "option_chosen", "option_chosen_per_token"),
        *("option_right", "option_right_per_token", "option_ms", "option_why"),
    )
)


def weigh_options(
    asked: ExamQuestion, answer: Answer, engine: Engine, adapter: str | None
) -> dict[str, Any]:
    """Return what a row keeps of how likely each option is, after the answer's own prompt.

    The chosen option is the one whose tokens' log-probabilities have the highest sum, which
    evaluation harnesses call ``acc``, and, separately, the highest mean (Brown et al. 2020,
    "Language Models are Few-Shot Learners", 2.4): the sum favours short options, the mean long
    ones. Of equals it is the first. Where the model was not asked, since the method declined, none
    is chosen, and that is wrong.

    Args:
        asked: the question; without options nothing is weighed.
        answer: a finished one.
        engine: what answered.
        adapter: what the base was changed with; see `Engine.stream`.

    Raises:
        RagtuneError: an option doesn't fit the model's context behind the prompt.
    """
    if not asked.options:
        return _NOT_WEIGHED
    if engine.no_likelihoods:
        return _NOT_WEIGHED | {"option_why": engine.no_likelihoods}
    started, found = time.perf_counter(), list[Likelihood]()
    if answer.prompt:
        found = engine.likelihoods(answer.prompt, asked.options, adapter=adapter)
    chosen = _likeliest(asked.options, [one.nats for one in found])
    per_token = _likeliest(asked.options, [one.nats_per_token for one in found])
    return _NOT_WEIGHED | {
        "option_nats": [one.nats for one in found],
        "option_tokens": [one.tokens for one in found],
        "option_chosen": chosen,
        "option_chosen_per_token": per_token,
        "option_right": chosen in asked.answers,
        "option_right_per_token": per_token in asked.answers,
        "option_ms": (time.perf_counter() - started) * 1000,
    }


def _likeliest(options: Sequence[str], weights: Sequence[float]) -> str | None:
    return options[weights.index(max(weights))] if weights else None
