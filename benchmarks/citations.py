"""How well sentences are linked to what supports them: ``python -m benchmarks.citations``.

Seconds. Claims are made of SQuAD's paragraphs: the sentence that holds an answer, shortened to
its clause where that is possible, is true; the same with another answer of the same article in
its place is false, unless the paragraph says that too. No model takes part.
"""

import random
import re
from collections import defaultdict
from statistics import mean

from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison.shipped.reading_data import Asked
from rag_backend.answer.cite import cite

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_CLAUSE = re.compile(r"[,;:]\s")


def main() -> None:
    """Make claims, link them, and print the report."""
    asked = [one for one in all_asked() if one.answers]
    answers: dict[str, list[str]] = defaultdict(list)
    for one in asked:
        answers[one.title].append(one.answers[0])
    draw = random.Random(0)
    true, false, placed = [], [], []
    for one in asked:
        claim = _claim(one)
        if claim is None:
            continue
        (sentence, *_) = cite(claim, [("", one.paragraph)], one.question)
        true.append(sentence.by is not None)
        if sentence.by:
            placed.append(one.answers[0] in one.paragraph[sentence.by.start : sentence.by.end])
        other = draw.choice(answers[one.title])
        if other not in one.paragraph:
            wrong = claim.replace(one.answers[0], other)
            false.append(any(s.by for s in cite(wrong, [("", one.paragraph)], one.question)))
    tell(f"{len(true)} true claims, {len(false)} false ones")
    print_report(
        "citations",
        [
            figure("true_supported", mean(true), "share", "higher", 0.95),
            figure("true_placed", mean(placed), "share", "higher", 0.95),
            figure("false_supported", mean(false), "share", "lower", 0.20),
        ],
    )


def _claim(asked: Asked) -> str | None:
    """Return the sentence or clause of the paragraph that says the answer."""
    answer = asked.answers[0]
    for sentence in _SENTENCE.split(asked.paragraph):
        if answer in sentence:
            clauses = [clause for clause in _CLAUSE.split(sentence) if answer in clause]
            return min((sentence, *clauses), key=len)
    return None


if __name__ == "__main__":
    main()
