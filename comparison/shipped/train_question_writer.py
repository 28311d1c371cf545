"""Train the question writer: ``python -m comparison.shipped.train_question_writer DATA FOLDER``.

It reads a paragraph under its title and an answer in it, and writes the question; without an
answer, it lists what one could ask for. Nothing of the held-out titles is looked at, and no
question that leans on something outside itself ("it").
"""

import functools
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from comparison.shipped.reading_data import Asked, by_paragraph, held_out, read_asked
from comparison.shipped.train_adapter import Turn, tell, train_shipped
from finetune_backend.settings import TrainSettings
from finetune_backend.writer.alone import stands_alone
from finetune_backend.writer.prompt import facts_prompt, opener_of, writer_prompt
from rag_backend.passages import embedding_text
from workbench.language_models.loading import find_checkpoint
from workbench.settings import DEFAULT_MODEL
from workbench.values import Passage

RECIPE = TrainSettings(
    epochs=3,
    learning_rate=8e-4,
    rank=16,
    alpha=32,
    batch_size=3,
    word_dropout=0.0,
    replay=0.0,
    max_tokens=1024,
)
"""A batch is three paragraphs with all that is asked about them."""
_FREE = 0.3
"""Share of the questions whose beginning is left to the writer."""


def main() -> None:
    """Read the data, train, and say how it goes."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, folder = map(Path, sys.argv[1:])
    asked = read_asked(data)
    kept = taught([one for one in asked if one.title not in held_out(asked)])
    print(f"{len(kept)} questions", file=sys.stderr)
    turns = functools.partial(make_turns, kept)
    train_shipped(find_checkpoint(DEFAULT_MODEL), turns, RECIPE, tell, folder)


def taught(asked: Sequence[Asked]) -> list[Asked]:
    """Return the questions to learn from: answered ones that stand by themselves."""
    return [
        one
        for one in asked
        if one.answers and one.question.rstrip().endswith("?") and stands_alone(one.question)
    ]


def make_turns(asked: Sequence[Asked], epoch: int) -> list[list[Turn]]:
    """Return what is to be written in an epoch, for each paragraph."""
    draw, texts = random.Random(epoch), []
    for paragraph, questions in by_paragraph(asked).items():
        text = embedding_text(questions[0].title.replace("_", " "), Passage(paragraph))
        turns = []
        for one in questions:
            opener = "" if draw.random() < _FREE else opener_of(one.question)
            said = " ".join(one.question.split())
            turns.append((writer_prompt(text, draw.choice(one.answers), opener), said))
        places = {one.answers[0]: paragraph.find(one.answers[0]) for one in questions}
        facts = sorted(places, key=lambda answer: places[answer])
        texts.append([*turns, (facts_prompt(text), "\n".join(facts))])
    return texts


if __name__ == "__main__":
    main()
