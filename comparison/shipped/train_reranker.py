"""Train the reranker: ``python -m comparison.shipped.train_reranker DATA FOLDER``.

Every paragraph is a document of a knowledge base. For each question the search finds
passages; those of other paragraphs are the wrong ones. Nothing of the held-out titles is
looked at.
"""

import random
import sys
import tempfile
from pathlib import Path

from comparison.lab import open_lab
from comparison.shipped.reading_data import Asked, add_paragraphs, held_out, read_asked
from finetune_backend.cross_encoder import Judged, Recipe, train_cross_encoder
from rag_backend.knowledge_base import KnowledgeBase
from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from workbench.settings import Settings
from workbench.values import Passage

_SEARCH = Settings(reranker="", retrieved=24)
"""What it ranks high is hard to tell apart."""
_WHOLE = 0.3
"""Share of the questions that get whole paragraphs, so that longer passages are known too."""


def main() -> None:
    """Read the data, train, and say how it goes."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, folder = map(Path, sys.argv[1:])
    asked = read_asked(data)
    kept = [one for one in asked if one.title not in held_out(asked)]
    with tempfile.TemporaryDirectory() as home:
        judged = judge(open_lab(home).knowledge_base, kept)
    print(f"{len(judged)} questions", file=sys.stderr)
    train_cross_encoder(judged, Recipe(), _tell, folder)


def judge(knowledge_base: KnowledgeBase, asked: list[Asked]) -> list[Judged]:
    """Return every question with passages found in an empty knowledge base given them all."""
    names = add_paragraphs(knowledge_base, asked, named=True)
    paragraphs = {name: paragraph for paragraph, name in names.items()}
    passages = {name: knowledge_base.passages(name) for name in paragraphs}
    draw, judged = random.Random(0), []
    for one in asked:
        name, whole = names[one.paragraph], draw.random() < _WHOLE
        found = find(knowledge_base.index, one.question, _SEARCH).sources
        if whole:
            texts = {s.document: Passage(paragraphs[s.document]) for s in found}
            right = Passage(one.paragraph)
            wrong = [embedding_text(n, passage) for n, passage in texts.items() if n != name]
        else:
            best = next((s.text for s in found if s.document == name), passages[name][0].text)
            right = next(
                (p for p in passages[name] if any(answer in p.text for answer in one.answers)),
                Passage(best),
            )
            wrong = [
                embedding_text(s.document, Passage(s.text)) for s in found if s.document != name
            ]
        text = embedding_text(name, right)
        judged.append(Judged(one.question, text, _places(text, one.answers), tuple(wrong)))
    return judged


def _places(text: str, answers: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return where the answers stand in a text, in characters."""
    body = text.index("\n") + 1  # below the headings
    places = []
    for answer in dict.fromkeys(answers):
        start = text.find(answer, body)
        while start >= 0:
            places.append((start, start + len(answer)))
            start = text.find(answer, start + 1)
    return tuple(places)


def _tell(step: int, steps: int, loss: float) -> None:
    if step % 10 == 0 or step == steps:
        print(f"step {step} of {steps}, loss {loss:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
