"""A part of ``benchmarks.finetune_quality``: does hybrid learn to read?

An adapter is trained with RAFT rows on the questions of SQuAD 2.0's articles but the held-out ones.
Then questions of those are asked with four paragraphs of their article, the right one among them,
of the base ("rag") and of the adapter ("hybrid"); half as many have no answer there.
"""

import argparse
import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from benchmarks.kept_runs import trained
from benchmarks.report import figure, tell
from benchmarks.retrieval import all_asked
from comparison import metrics
from comparison.lab import Lab
from comparison.shipped.reading_data import Asked, held_out
from comparison.start_training import prompts
from comparison.write_examples import say_all
from finetune_backend.examples.wording import short_hash
from finetune_backend.raft import DECLINES, Shown
from finetune_backend.settings import TrainSettings
from rag_backend.passages import embedding_text
from workbench.language_models.engine import Engine
from workbench.language_models.prompts import messages, passage_prompt
from workbench.values import Example, Passage

SETTINGS = TrainSettings(
    epochs=6,
    learning_rate=8e-4,
    batch_size=2,
    raft=1.0,
    distractors=3,
    word_dropout=0.0,
    max_tokens=3072,
    held_out=0,
    replay=0.0,
)
"""A batch is two texts of four paragraphs, with all that is asked about them."""
_UNANSWERED = 0.25
"""Share of the unanswerable questions that are trained on: there are as many as answerable ones.
With more of them it declines what the text does say."""
_ANSWERABLE, _UNANSWERABLE = 300, 150
_PARAGRAPHS = 4
_LONGEST_ANSWER = 40


@dataclass(frozen=True, slots=True)
class Scores:
    """How a method did."""

    f1: float
    """Of the answerable questions, from 0 to 100."""
    contains: float
    """Share of those whose answer holds what was asked for."""
    declined: float
    """Share of the unanswerable questions."""
    declined_wrongly: float
    """Share of the answerable ones."""


def raft(lab: Lab, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train, ask, and return the figures."""
    asked = all_asked()
    new = held_out(asked)
    taught = [one for one in asked if one.title not in new]
    examples, shown = zip(*map_shown(taught), strict=True)
    drawn = draw([one for one in asked if one.title in new])
    runs = [
        trained(lab, f"raft-{seed}", examples, dataclasses.replace(SETTINGS, seed=seed), shown)
        for seed in range(options.seeds)
    ]
    engine = lab.engine()
    base = scores(lab, engine, None, drawn)
    tell(f"rag: {base}")
    tuned = []
    for run in runs:
        tuned.append(scores(lab, engine, str(run.adapter), drawn))
        tell(f"hybrid, seed {run.settings.seed}: {tuned[-1]}")
    gains = [one.f1 - base.f1 for one in tuned]
    contains = [one.contains - base.contains for one in tuned]
    declined = [one.declined for one in tuned]
    return [
        {
            **figure("raft_gain_points", median(gains), "points of F1", "higher", 30.0, runs=gains),
            "rag": dataclasses.asdict(base),
            "hybrid": [dataclasses.asdict(one) for one in tuned],
        },
        figure("raft_contains_gain", median(contains), "share", "higher", 0.0, runs=contains),
        figure("raft_declined", median(declined), "share", "higher", 0.5, runs=declined),
    ]


def map_shown(asked: Sequence[Asked]) -> list[tuple[Example, Shown]]:
    """Return the questions as examples, each with its paragraph: all that are answered there, and
    some that are not, which were written to seem so."""
    draw, made = random.Random(0), []
    for one in asked:
        if not one.answers and draw.random() >= _UNANSWERED:
            continue
        answer = one.answers[0] if one.answers else DECLINES
        fact = short_hash(one.paragraph + answer)
        example = Example(one.question, answer, fact, one.title, one.paragraph)
        made.append((example, Shown(_text(one.title, one.paragraph), bool(one.answers))))
    return made


def draw(asked: Sequence[Asked]) -> list[tuple[Asked, str]]:
    """Return questions, each with four paragraphs in random order, its own among them."""
    random_, articles = random.Random(0), _articles(asked)
    chosen = random_.sample([one for one in asked if one.answers], _ANSWERABLE)
    chosen += random_.sample([one for one in asked if not one.answers], _UNANSWERABLE)
    drawn = []
    for one in chosen:
        read = [one.paragraph, *_others(one, articles, random_, _PARAGRAPHS - 1)]
        random_.shuffle(read)
        drawn.append((one, "\n\n".join(_text(one.title, paragraph) for paragraph in read)))
    return drawn


def scores(
    lab: Lab, engine: Engine, adapter: str | None, drawn: Sequence[tuple[Asked, str]]
) -> Scores:
    """Ask a model all questions with their paragraphs."""
    asks = prompts(lab)
    chats = [
        messages(passage_prompt(text, one.question, asks.passages), asks.system)
        for one, text in drawn
    ]
    said = list(say_all(engine, adapter, chats, _LONGEST_ANSWER))
    pairs = [(one, answer) for (one, _), answer in zip(drawn, said, strict=True)]
    answerable = [(one, answer) for one, answer in pairs if one.answers]
    return Scores(
        f1=100 * mean(metrics.f1(answer, one.answers) for one, answer in answerable),
        contains=mean(metrics.contains(answer, one.answers) for one, answer in answerable),
        declined=mean(metrics.refused(answer) for one, answer in pairs if not one.answers),
        declined_wrongly=mean(metrics.refused(answer) for _, answer in answerable),
    )


def _articles(asked: Sequence[Asked]) -> dict[str, dict[str, None]]:
    """Return the paragraphs of each article, in order."""
    articles: dict[str, dict[str, None]] = {}
    for one in asked:
        articles.setdefault(one.title, {})[one.paragraph] = None
    return articles


def _others(
    one: Asked, articles: dict[str, dict[str, None]], draw: random.Random, count: int
) -> list[str]:
    """Return other paragraphs of the article that don't hold the answer."""
    paragraphs = [
        other
        for other in articles[one.title]
        if other != one.paragraph and not any(answer in other for answer in one.answers)
    ]
    return draw.sample(paragraphs, min(count, len(paragraphs)))


def _text(title: str, paragraph: str) -> str:
    return embedding_text(title, Passage(paragraph))
