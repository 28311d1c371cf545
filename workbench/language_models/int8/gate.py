"""The parity gate: does the int8 engine say what float32 says?

Both answer the same fixed questions: bare ones, ones with a passage of the sample documents
at hand, and ones with 600 tokens of them. Compared are the distributions of the next token
along the int8 engine's answers, and how well both read.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from workbench.language_models.int8.forward import forward, new_cache
from workbench.language_models.int8.weights import Int8Weights
from workbench.language_models.prompts import messages, passage_prompt, render
from workbench.words import f1

LARGEST_DIVERGENCE = 0.05
"""Mean Kullback-Leibler divergence to float32, in nats a token."""
LARGEST_READING_LOSS = 0.02
"""In F1. One kernel in eight differs by more from another by chance alone, over so few answers;
one that reads better by chance is not refused for it."""
_READING = Path(__file__).with_name("reading.jsonl")
_ANSWER_TOKENS = 16
_LONG_TOKENS = 600
_LONG_CASES = 3
_BARE = (
    "What is the capital of France?",
    "How many legs does a spider have?",
    "Name three colours.",
    "Write one sentence about the sea.",
    "What is 7 times 8?",
    "Who wrote Romeo and Juliet?",
    "Translate 'good morning' into Spanish.",
    "Why is the sky blue?",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A question of the gate."""

    user: str
    answers: tuple[str, ...]
    """Empty where the answer is not scored."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How close the int8 engine comes to float32."""

    divergence: float
    """Mean Kullback-Leibler divergence to float32, in nats a token."""
    equal_texts: int
    texts: int
    reading_f1: float
    reference_f1: float

    @property
    def reason(self) -> str | None:
        """Why the gate is closed, or None where it is open."""
        if not self.divergence <= LARGEST_DIVERGENCE:  # also where it is not a number
            return (
                f"its next-token distributions are {self.divergence:.3f} nats from float32's on "
                f"average; at most {LARGEST_DIVERGENCE} were allowed"
            )
        if self.reference_f1 - self.reading_f1 > LARGEST_READING_LOSS:
            return (
                f"it reads with F1 {self.reading_f1:.3f} where float32 has "
                f"{self.reference_f1:.3f}; at most {LARGEST_READING_LOSS} less was allowed"
            )
        return None


def gate_cases(tokenizer: Any) -> list[Case]:
    """Return the gate's questions, the short ones first."""
    lines = _READING.read_text(encoding="utf-8").splitlines()
    reading = [json.loads(line) for line in lines]
    cases = [Case(question, ()) for question in _BARE]
    for item in reading:
        user = passage_prompt(item["passage"], item["question"])
        cases.append(Case(user, tuple(item["answers"])))
    for number in range(_LONG_CASES):
        # The passage in question stands first, the next ones fill the context.
        item, text = reading[number * 10], reading[number * 10]["passage"]
        for other in reading[number * 10 + 1 :]:
            if len(tokenizer(text, add_special_tokens=False)["input_ids"]) >= _LONG_TOKENS:
                break
            text += "\n\n" + other["passage"]
        cases.append(Case(passage_prompt(text, item["question"]), tuple(item["answers"])))
    return cases


def measure_parity(
    model: Any,
    weights: Int8Weights,
    tokenizer: Any,
    cases: Sequence[Case],
    progress: Callable[[float], object] = lambda _share: None,
) -> Parity:
    """Let both answer, and compare.

    Args:
        model: the reference, a transformers model in float32, with or without an adapter.
        weights: what was converted from it.
        tokenizer: the checkpoint's.
        cases: what is asked.
        progress: called with the share that is done.
    """
    apart, scores, equal = list[float](), list[tuple[float, float]](), 0
    for number, case in enumerate(cases):
        text = render(tokenizer, messages(case.user, ""))
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        answer, reached = _answer(weights, prompt)
        expected = reference_logits(model, prompt + answer[:-1])[len(prompt) - 1 :]
        apart.extend(divergences(expected, reached))
        same = same_tokens(expected, answer)
        equal += same == len(answer)
        if case.answers:
            reference = answer
            if same < len(answer):  # float32 goes on from where they part
                begun = answer[:same] + [int(expected[same].argmax())]
                reference = continued(model, prompt, begun, weights.shape.ends)
            said, said_by_reference = (
                tokenizer.decode(tokens, skip_special_tokens=True) for tokens in (answer, reference)
            )
            scores.append((f1(said, case.answers), f1(said_by_reference, case.answers)))
        progress((number + 1) / len(cases))
    ours, theirs = zip(*scores, strict=True) if scores else ((0.0,), (0.0,))
    return Parity(mean(apart), equal, len(cases), mean(ours), mean(theirs))


def adapter_divergences(
    model: Any, tokenizer: Any, cases: Sequence[Case]
) -> Callable[[Int8Weights], float]:
    """Note what an adapted model says, and return how to measure weights against that.

    Args:
        model: the reference, a PeftModel in float32; may be merged afterwards.
        tokenizer: the checkpoint's.
        cases: their texts, an accepted answer included, are what is read.

    Returns:
        A function from weights to their mean divergence over the texts' last tokens, in nats.
    """
    texts, expected = list[list[int]](), []
    for case in cases:
        text = render(tokenizer, messages(case.user, "")) + " ".join(case.answers[:1])
        texts.append(tokenizer(text, add_special_tokens=False)["input_ids"])
        expected.append(reference_logits(model, texts[-1])[-_ANSWER_TOKENS:])

    def divergence(weights: Int8Weights) -> float:
        reached = (_last_logits(weights, tokens) for tokens in texts)
        return mean(
            nats
            for one, other in zip(expected, reached, strict=True)
            for nats in divergences(one, other)
        )

    return divergence


def _last_logits(weights: Int8Weights, tokens: list[int]) -> Any:
    import torch

    cache, begun = new_cache(weights, len(tokens)), len(tokens) - _ANSWER_TOKENS + 1
    steps = [tokens[:begun], *([token] for token in tokens[begun:])]
    logits = [forward(weights, [(cache, step)])[0] for step in steps]
    return torch.from_numpy(np.stack(logits))


def _answer(weights: Int8Weights, prompt: list[int]) -> tuple[list[int], Any]:
    """Return the greedy answer with its end token, and the logits of each of its tokens."""
    import torch

    cache = new_cache(weights, len(prompt) + _ANSWER_TOKENS)
    step, answer, logits = prompt, list[int](), []
    while len(answer) < _ANSWER_TOKENS and (not answer or answer[-1] not in weights.shape.ends):
        logits.append(forward(weights, [(cache, step)])[0])
        answer.append(int(logits[-1].argmax()))
        step = answer[-1:]
    return answer, torch.from_numpy(np.stack(logits))


def reference_logits(model: Any, tokens: list[int]) -> Any:
    """Return what a transformers model says after each token: float32, (tokens, vocabulary)."""
    import torch

    with torch.inference_mode():
        return model(torch.tensor([tokens])).logits[0].float()


def divergences(expected: Any, reached: Any) -> list[float]:
    """Return the Kullback-Leibler divergence of each row of logits from what was expected, in
    nats."""
    expected, reached = expected.log_softmax(-1), reached.log_softmax(-1)
    per_token: list[float] = (expected.exp() * (expected - reached)).sum(-1).tolist()
    return per_token


def same_tokens(expected: Any, answer: list[int]) -> int:
    """Return how many tokens of an answer the logits would have written too, before the first
    other one."""
    for number, token in enumerate(expected.argmax(-1).tolist()):
        if token != answer[number]:
            return number
    return len(answer)


def continued(model: Any, prompt: list[int], begun: list[int], ends: Sequence[int]) -> list[int]:
    """Let a transformers model finish an answer that it has begun, up to 16 tokens."""
    import torch

    step, cache = prompt + begun, None
    with torch.inference_mode():
        while len(begun) < _ANSWER_TOKENS and begun[-1] not in ends:
            out = model(torch.tensor([step]), past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            begun.append(int(out.logits[0, -1].argmax()))
            step = begun[-1:]
    return begun
