"""A part of ``benchmarks.finetune_quality``: messages to a bank, sorted into 77 intents.

The default preset learns from ten messages of each intent, with the intent as the answer. RAG
has the same messages as a document. Both are asked 1,000 other messages.
"""

import argparse
import csv
import dataclasses
import io
import os
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.kept_runs import trained
from benchmarks.report import figure, tell
from comparison.lab import Lab
from comparison.start_training import prompts
from comparison.write_examples import say_all
from finetune_backend.examples.wording import short_hash
from finetune_backend.settings import TrainSettings
from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from workbench.language_models.prompts import messages, passage_prompt
from workbench.values import Example, Passage
from workbench.words import normalize

DATA = Path(os.environ.get("RAGTUNE_BANKING77", "../shared/data/banking77"))
_OF_AN_INTENT = 10
_ASKED = 1_000
_READ = 5
_LONGEST_INTENT = 24

Message = tuple[str, str]
"""A message, and its intent in words."""


def banking77(lab: Lab, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train, ask, and return the figures."""
    asked = random.Random(0).sample(read("test.csv"), _ASKED)
    shares = []
    engine = lab.engine()
    for seed in range(options.seeds):
        settings = TrainSettings(seed=seed)
        run = trained(lab, f"banking77-{seed}", as_examples(drawn(seed)), settings)
        chats = [messages(text, prompts(lab).system) for text, _ in asked]
        said = say_all(engine, str(run.adapter), chats, _LONGEST_INTENT)
        shares.append(share_right(asked, list(said)))
        tell(f"seed {seed}: {shares[-1]:.3f}")
    read_, nearest = retrieved(lab, drawn(0), asked)
    return [
        figure("banking77_lora", median(shares), "share", "higher", 0.7, runs=shares),
        {
            "name": "banking77_rag",
            "value": read_,
            "unit": "share",
            "better": "higher",
            "nearest_message": nearest,
        },
    ]


def read(name: str) -> list[Message]:
    """Read the messages of a file."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return [(row["text"].strip(), _in_words(row["category"])) for row in csv.DictReader(file)]


def drawn(seed: int) -> list[Message]:
    """Draw ten messages of each intent."""
    of_intent: dict[str, list[str]] = defaultdict(list)
    for text, intent in read("train.csv"):
        of_intent[intent].append(text)
    draw = random.Random(seed)
    return [
        (text, intent)
        for intent in sorted(of_intent)
        for text in draw.sample(of_intent[intent], min(_OF_AN_INTENT, len(of_intent[intent])))
    ]


def as_examples(given: Sequence[Message]) -> list[Example]:
    """Return the messages as examples, each intent a fact."""
    return [Example(text, intent, short_hash(intent)) for text, intent in given]


def retrieved(lab: Lab, given: Sequence[Message], asked: Sequence[Message]) -> tuple[float, float]:
    """Return how often RAG is right, and how often the message found first has the intent.

    RAG is right where its answer holds the intent.
    """
    table = io.StringIO()
    csv.writer(table).writerows([("message", "intent"), *given])
    lab.knowledge_base.incoming.put("messages.csv", table.getvalue().encode())
    lab.knowledge_base.work()
    settings = dataclasses.replace(lab.settings, retrieved=_READ, read=_READ)
    asks, chats, first = prompts(lab), [], []
    for text, intent in asked:
        found = find(lab.knowledge_base.index, text, settings).sources
        passages = "\n\n".join(
            embedding_text(one.document, Passage(one.text, one.headings)) for one in found
        )
        question = f"what is the intent of this message: {text}"
        chats.append(messages(passage_prompt(passages, question, asks.passages), asks.system))
        first.append(float(_ends_with(found[0].text, intent)))
    said = list(say_all(lab.engine(), None, chats, _LONGEST_INTENT))
    right = [
        float(f" {normalize(intent)} " in f" {normalize(answer)} ")
        for (_, intent), answer in zip(asked, said, strict=True)
    ]
    return mean(right), mean(first)


def share_right(asked: Sequence[Message], said: Sequence[str]) -> float:
    """Return how many answers are the intent and nothing else."""
    pairs = zip(asked, said, strict=True)
    return mean(float(normalize(answer) == normalize(intent)) for (_, intent), answer in pairs)


def _ends_with(row: str, intent: str) -> bool:
    return normalize(row).endswith(f"intent {normalize(intent)}")


def _in_words(category: str) -> str:
    return category.replace("_", " ").strip("?")
