"""Train the verifier: ``python -m comparison.shipped.train_verifier DATA FOLDER``.

It reads a paragraph and a question, and says first whether the answer is there: "yes" and
then the answer, or "no". It learns nothing from the held-out titles; their answerable questions
calibrate it, since what it says of new documents is like what it says of those.
"""

import functools
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from comparison.shipped.reading_data import Asked, by_paragraph, held_out, read_asked
from comparison.shipped.train_adapter import Turn, tell, train_shipped
from finetune_backend.settings import TrainSettings
from rag_backend.passages import embedding_text
from rag_backend.verify.calibration import calibration_of, write_calibration
from rag_backend.verify.verifier import CALIBRATION, NO, YES, Verifier, digest, verify_prompt
from workbench.language_models.loading import find_checkpoint
from workbench.sentences import sentence_spans
from workbench.settings import DEFAULT_MODEL
from workbench.values import Passage

RECIPE = TrainSettings(
    epochs=3,
    learning_rate=8e-4,
    rank=16,
    alpha=32,
    batch_size=2,
    word_dropout=0.0,
    replay=0.0,
    max_tokens=1024,
)
"""A batch is two paragraphs with all that is asked about them."""
_ELSEWHERE = 2
"""Questions about other paragraphs of an article, asked about this one too."""
_TITLED = 0.5
"""Share of the paragraphs that are read under their article's title, as passages are."""
_CUT = 0.5
"""Share of the paragraphs that are read without a sentence that holds an answer. The same
wording is answered then in one epoch and not in another, so that it alone tells nothing."""


def main() -> None:
    """Read the data, train, calibrate, and say how it goes."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, folder = map(Path, sys.argv[1:])
    asked = read_asked(data)
    new = held_out(asked)
    taught = [one for one in asked if one.title not in new]
    turns = functools.partial(make_turns, taught)
    train_shipped(find_checkpoint(DEFAULT_MODEL), turns, RECIPE, tell, folder)
    scores = scores_of(Verifier(folder), [one for one in asked if one.title in new])
    write_calibration(calibration_of(scores, digest(folder)), folder / CALIBRATION)


def scores_of(verifier: Verifier, asked: Sequence[Asked]) -> list[float]:
    """Return what is said of the questions that their paragraphs answer."""
    return [verifier.score(one.question, one.paragraph) for one in asked if one.answers]


def make_turns(asked: Sequence[Asked], epoch: int) -> list[list[Turn]]:
    """Return what is asked in an epoch, and what is to be said, for each paragraph."""
    draw, texts = random.Random(epoch), []
    for paragraph, questions in by_paragraph(asked).items():
        title = questions[0].title
        elsewhere = [q.question for q in asked if q.title == title and q.paragraph != paragraph]
        text = _cut(paragraph, questions, draw) if draw.random() < _CUT else paragraph
        asks = [(q.question, tuple(a for a in q.answers if a in text)) for q in questions]
        drawn = draw.sample(elsewhere, min(_ELSEWHERE, len(elsewhere)))
        asks += [(question, ()) for question in drawn]
        if draw.random() < _TITLED:
            text = embedding_text(title, Passage(text))
        said = [(q, f"{YES}\n{draw.choice(a)}" if a else NO) for q, a in asks]
        texts.append([(verify_prompt(question, text), answer) for question, answer in said])
    return texts


def _cut(paragraph: str, questions: Sequence[Asked], draw: random.Random) -> str:
    """Return the paragraph without a sentence that holds the answer to a question."""
    answered = [question for question in questions if question.answers]
    if not answered:
        return paragraph
    answer = draw.choice(draw.choice(answered).answers)
    kept = [
        paragraph[start:end]
        for start, end in sentence_spans(paragraph)
        if answer not in paragraph[start:end]
    ]
    return " ".join(kept) or paragraph


if __name__ == "__main__":
    main()
