"""The check of an export: loaded again, does it say what PEFT says on the base, in float32?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from finetune_backend.runs import Run, trained_examples
from workbench.language_models.int8.gate import (
    LARGEST_DIVERGENCE,
    divergences,
    gate_cases,
    reference_logits,
    same_tokens,
)
from workbench.language_models.prompts import messages, render
from workbench.language_models.quiet import quiet_transformers

MOST_QUESTIONS = 12
_ANSWER_TOKENS = 24
BOUNDS = {"float32": 0.001, "float16": 0.01, "bfloat16": 0.02, "q8_0": LARGEST_DIVERGENCE}
"""Mean Kullback-Leibler divergence that is allowed, in nats a token, by what weights are kept in;
with 8 bits as much as the int8 engine is."""


@dataclass(frozen=True, slots=True)
class Check:
    """How close an export comes to PEFT in float32."""

    questions: int
    equal: int
    """Greedy answers that are the same, token for token."""
    divergence: float
    """Mean Kullback-Leibler divergence to the reference along its answers, in nats a token."""
    bound: float
    """How large that may be where an answer differs."""
    differing: Sequence[str] = ()
    """Questions whose answers are not the same."""

    @property
    def passed(self) -> bool:
        """Are all answers equal, or their distributions close enough?"""
        close = self.equal == self.questions or self.divergence <= self.bound
        return math.isfinite(self.divergence) and close

    def sentence(self) -> str:
        """Say it in one line, with what was allowed and whose answers differ."""
        said = (
            f"{self.equal} of {self.questions} answers equal; mean KL {self.divergence:.4f} nats "
            f"(at most {self.bound:g} is allowed where an answer differs)"
        )
        differing = ", ".join(f"“{' '.join(question.split())}”" for question in self.differing)
        return f"{said}; answered in other words: {differing}" if differing else said


@dataclass(frozen=True)
class Reference:
    """What PEFT says on the base, in float32."""

    questions: tuple[str, ...]
    texts: tuple[str, ...]
    """What is read: questions as the model sees them."""
    prompts: tuple[list[int], ...]
    answers: tuple[list[int], ...]
    logits: tuple[Any, ...]
    """Of each answer's tokens, (tokens, vocabulary)."""


def questions_of(run: Run, tokenizer: Any) -> list[str]:
    """Return up to 12 questions: of a run's own examples, each of another fact while there are
    some; for an adapter made elsewhere, the int8 engine's bare ones."""
    examples = trained_examples(run)
    if not examples:
        return [case.user for case in gate_cases(tokenizer) if not case.answers][:MOST_QUESTIONS]
    facts = list({one.fact: one.question for one in examples}.values())
    step = max(1.0, len(facts) / MOST_QUESTIONS)
    spread = [facts[int(place * step)] for place in range(int(len(facts) / step))]
    others = [one.question for one in examples]
    return list(dict.fromkeys((*spread, *others)))[:MOST_QUESTIONS]


def listen(
    model: Any,
    tokenizer: Any,
    questions: Sequence[str],
    system_prompt: str,
    progress: Callable[[float], object],
) -> Reference:
    """Let the reference answer.

    Args:
        model: a PeftModel in float32.
        tokenizer: the checkpoint's.
        questions: what is asked.
        system_prompt: the one that the adapter was trained with.
        progress: called with the share that is done.
    """
    texts = tuple(render(tokenizer, messages(one, system_prompt)) for one in questions)
    prompts = tuple(_tokens(tokenizer, text) for text in texts)
    answers, logits = _answers(model, prompts), list[Any]()
    for number, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        logits.append(_along(model, prompt, answer))
        progress((number + 1) / len(prompts))
    return Reference(tuple(questions), texts, prompts, answers, tuple(logits))


def compare(
    reference: Reference,
    model: Any,
    tokenizer: Any,
    bound: float,
    progress: Callable[[float], object],
) -> Check:
    """Put the same questions to an export that was loaded again.

    Args:
        reference: what `listen` returned.
        model: the export.
        tokenizer: that it was saved with; None where it has none of its own.
        bound: see `BOUNDS`.
        progress: called with the share that is done.
    """
    nats, differing = list[float](), list[str]()
    said = zip(reference.texts, reference.prompts, reference.answers, strict=True)
    for number, (text, prompt, answer) in enumerate(said):
        read = _tokens(tokenizer, text) if tokenizer is not None else prompt
        reached = _along(model, read, answer)
        nats.extend(divergences(reference.logits[number], reached))
        if same_tokens(reached, answer) < len(answer):
            differing.append(reference.questions[number])
        progress((number + 1) / len(reference.prompts))
    asked = len(reference.prompts)
    return Check(asked, asked - len(differing), mean(nats), bound, differing)


def _tokens(tokenizer: Any, text: str) -> list[int]:
    tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return tokens


def _answers(model: Any, prompts: Sequence[list[int]]) -> tuple[list[int], ...]:
    """Return greedy answers with their end tokens, all written at once: one takes as long."""
    import torch
    from transformers import GenerationConfig

    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])
    longest = max(map(len, prompts))
    # Begun with what pads, so that all of them end at the same place.
    tokens = torch.tensor([[0] * (longest - len(one)) + one for one in prompts])
    read = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
    greedy = GenerationConfig(
        do_sample=False,
        max_new_tokens=_ANSWER_TOKENS,
        eos_token_id=sorted(ends - {None}) or None,
        pad_token_id=0,
    )
    with torch.inference_mode(), quiet_transformers():
        written = model.generate(input_ids=tokens, attention_mask=read, generation_config=greedy)
    rows: list[list[int]] = written[:, longest:].tolist()
    lengths = (next((n + 1 for n, t in enumerate(row) if t in ends), len(row)) for row in rows)
    return tuple(row[:length] for row, length in zip(rows, lengths, strict=True))


def _along(model: Any, prompt: list[int], answer: list[int]) -> Any:
    """Return the logits of an answer's tokens."""
    return reference_logits(model, prompt + answer[:-1])[len(prompt) - 1 :]
