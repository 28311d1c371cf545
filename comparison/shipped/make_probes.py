"""Make the probes of forgetting: ``python -m comparison.shipped.make_probes SQUAD BLIMP FOLDER``.

They are drawn from data that nothing that comes along was trained on: from SQuAD 2.0's held-out
articles and from BLiMP; the questions of general knowledge are our own. The texts for replay
are of the other articles.
"""

import csv
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparison.shipped.reading_data import Asked, by_paragraph, held_out, read_asked
from finetune_backend import replay
from finetune_backend.forgetting import probes
from finetune_backend.raft import DECLINES
from workbench.files import write_bytes
from workbench.language_models.prompts import passage_prompt

_PAIRS_A_PARADIGM = 5
_TEXTS = 20
_REPLAY_TEXTS = 200
_UNANSWERABLE = 60
_LONGEST_WORDS = 120


def main() -> None:
    """Draw them, and write them."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    squad, blimp, folder = map(Path, sys.argv[1:])
    asked = read_asked(squad)
    new = held_out(asked)
    kept = [one for one in asked if one.title in new]
    _write(
        folder / probes.FILE.name,
        [*_grammar(blimp), *_knowledge(), *_declining(kept), *_surprise(kept)],
    )
    others = [one for one in asked if one.title not in new]
    _write(folder / replay.FILE.name, [{"text": text} for text in _texts(others, _REPLAY_TEXTS)])


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    write_bytes(file, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode())


def _choice(kind: str, prompt: str, right: str, wrong: list[str]) -> dict[str, Any]:
    return {"kind": kind, "prompt": prompt, "right": right, "wrong": wrong}


def _grammar(file: Path) -> Iterator[dict[str, Any]]:
    drawn: dict[str, int] = defaultdict(int)
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        drawn[row["UID"]] += 1
        if drawn[row["UID"]] <= _PAIRS_A_PARADIGM:
            yield _choice("grammar", "", row["sentence_good"], [row["sentence_bad"]])


def _knowledge() -> Iterator[dict[str, Any]]:
    with probes.KNOWLEDGE.open(encoding="utf-8", newline="") as file:
        for question, right, *wrong in csv.reader(file, delimiter=";"):
            yield _choice("knowledge", question, right, wrong)


def _declining(asked: list[Asked]) -> Iterator[dict[str, Any]]:
    """Yield questions that their paragraph does not answer; the wrong answer is another's."""
    draw = random.Random(0)
    found = []
    for paragraph, questions in by_paragraph(asked).items():
        open_ = [one for one in questions if not one.answers]
        answers = [one.answers[0] for one in questions if one.answers]
        if open_ and answers and len(paragraph.split()) <= _LONGEST_WORDS:
            prompt = passage_prompt(paragraph, draw.choice(open_).question)
            found.append(_choice("declining", prompt, DECLINES, [draw.choice(answers)]))
    yield from draw.sample(found, min(_UNANSWERABLE, len(found)))


def _surprise(asked: list[Asked]) -> Iterator[dict[str, Any]]:
    for text in _texts(asked, _TEXTS):
        yield {"kind": "surprise", "text": text}


def _texts(asked: list[Asked], most: int) -> list[str]:
    paragraphs = list(by_paragraph(asked))
    return random.Random(0).sample(paragraphs, min(most, len(paragraphs)))


if __name__ == "__main__":
    main()
