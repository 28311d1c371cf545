"""How fast the int8 engine answers, beside the reference: ``python -m benchmarks.generation``."""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import figure, print_report, tell
from workbench.language_models.choose import load_engine
from workbench.language_models.engine import Engine
from workbench.language_models.loading import Checkpoint, find_checkpoint, load_tokenizer
from workbench.language_models.prompts import render
from workbench.settings import DEFAULT_MODEL

REPETITIONS = 5
PROMPT_TOKENS = 626
SHORT_PROMPT_TOKENS = 40
SHORT_ANSWERS = 5
"""Answered in each round, for their median: a short one takes a fifth of a second, in which
anything else that the machine does counts."""
NEW_TOKENS = 33
_STORY = "Write a long story about a kite maker who lives by the sea, with every detail."
_FILLER = " The kite maker mends a red kite every morning before the wind rises."


def main() -> None:
    """Measure, and print the report."""
    checkpoint = find_checkpoint(DEFAULT_MODEL)
    tokenizer = load_tokenizer(checkpoint)
    long, short = (prompt(tokenizer, n) for n in (PROMPT_TOKENS, SHORT_PROMPT_TOKENS))
    with tempfile.TemporaryDirectory() as folder:
        adapter = write_adapter(checkpoint, Path(folder))
        tell("Loading both engines …")
        engines = [load_engine(name, checkpoint) for name in ("transformers", "int8")]
        for engine in engines:
            engine.prepare(adapter)
            seconds(engine, short)
        times: dict[tuple[str, str], list[float]] = {}
        for number in range(REPETITIONS):
            tell(f"Round {number + 1} of {REPETITIONS}")
            for engine in engines:
                # Turn by turn: the two are compared with each other, and the machine isn't
                # equally fast all the time.
                pairs = [
                    (seconds(engine, short), seconds(engine, short, adapter))
                    for _ in range(SHORT_ANSWERS)
                ]
                for case, taken in zip(("short", "adapter"), zip(*pairs, strict=True), strict=True):
                    times.setdefault((case, engine.name), []).append(median(taken))
                times.setdefault(("rag", engine.name), []).append(seconds(engine, long))
    print_report(
        "generation",
        [
            *speedup("rag_answer", 4.0, times["rag", "transformers"], times["rag", "int8"]),
            *speedup(
                "adapter_answer", 6.0, times["adapter", "transformers"], times["adapter", "int8"]
            ),
            figure(
                "adapter_over_base",
                median(times["adapter", "int8"]) / median(times["short", "int8"]),
                "x",
                "lower",
                1.1,
                runs=[
                    a / b
                    for a, b in zip(times["adapter", "int8"], times["short", "int8"], strict=True)
                ],
                peer="int8 without an adapter",
            ),
        ],
    )


def speedup(
    name: str, target: float, reference: list[float], ours: list[float]
) -> list[dict[str, Any]]:
    """Return the ratio of medians as a figure, with each round's ratio as its runs."""
    rounds = [r / o for r, o in zip(reference, ours, strict=True)]
    value = median(reference) / median(ours)
    tell(f"{name}: transformers {median(reference):.2f} s, int8 {median(ours):.2f} s")
    peer = "transformers float32"
    return [figure(f"{name}_speedup", value, "x", "higher", target, runs=rounds, peer=peer)]


def prompt(tokenizer: Any, tokens: int) -> list[dict[str, str]]:
    """Return a chat whose rendered prompt has at most so many tokens, and nearly as many."""

    def chat(words: int) -> list[dict[str, str]]:
        filler = " ".join((_FILLER * 100).split()[:words])
        return [{"role": "user", "content": f"{filler} {_STORY}".strip()}]

    words = 0
    while len(tokenizer(render(tokenizer, chat(words + 1)))["input_ids"]) <= tokens:
        words += 1
    return chat(words)


def write_adapter(checkpoint: Checkpoint, folder: Path) -> str:
    """Write a LoRA adapter of rank 16 on all linear layers; its small weights are random."""
    import torch
    from peft import LoraConfig, get_peft_model

    from workbench.language_models.loading import load_weights

    model = load_weights(checkpoint, torch.float32, "cpu")
    torch.manual_seed(0)
    tuned = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=1e-3)
    tuned.save_pretrained(folder)
    return str(folder)


def seconds(engine: Engine, chat: list[dict[str, str]], adapter: str | None = None) -> float:
    """Return the seconds of one whole answer.

    Raises:
        ValueError: the answer ended before its bound, so that times can't be compared.
    """
    started = time.perf_counter()
    pieces = list(engine.stream(chat, adapter=adapter, max_new_tokens=NEW_TOKENS))
    taken = time.perf_counter() - started
    written = pieces[-1].completion_tokens
    if written != NEW_TOKENS:
        raise ValueError(f"{engine.name} wrote {written} tokens; {NEW_TOKENS} were expected.")
    return taken


if __name__ == "__main__":
    main()
