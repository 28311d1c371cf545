"""Which questions are declined, and what it takes: ``python -m benchmarks.refusal``.

About five minutes on two cores. The questions are SQuAD 2.0's; see `benchmarks.retrieval`. Asked
are those of the titles that nothing was trained on, each with the paragraph that
it was asked about: half of these paragraphs don't answer, though they seem to.

Every article is a knowledge base of its own. As on a user's documents, its answerable questions
calibrate the threshold: every second of them for the others, and these for the first. That is
set beside a threshold from the other articles, which is what a user without examples has.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison.shipped.reading_data import Asked, held_out
from rag_backend.verify.calibration import calibration_of
from rag_backend.verify.verifier import Verifier

DECLINE = 0.18
"""The setting: a little below the fifth that may be declined, as the questions that calibrate
and those that are measured differ by a few points."""
_STEP = 7
"""Every so many questions are asked about the paragraph of another one too."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What the verifier says of a question with its paragraph."""

    title: str
    question: str
    answerable: bool
    score: float


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep every score as JSON")
    save: Path | None = parser.parse_args().save
    asked = all_asked()
    questions = [one for one in asked if one.title in held_out(asked)]
    verifier, scored, times = Verifier(), list[Scored](), list[float]()
    for one in questions:
        started = time.perf_counter()
        score = verifier.score(one.question, one.paragraph)
        times.append((time.perf_counter() - started) * 1000)
        scored.append(Scored(one.title, one.question, bool(one.answers), score))
    if save:
        save.write_text(json.dumps([asdict(one) for one in scored], indent=1), "utf-8")
    held = [one.score for one in scored if one.answerable]
    missing = [one.score for one in scored if not one.answerable]
    tell(f"area under the curve {auc(held, missing):.3f}")
    elsewhere = scores_elsewhere(verifier, questions)
    threshold_of = calibration_of(held, "").threshold
    for decline in (0.02, 0.05, 0.1, DECLINE):
        lost, declined = calibrated(scored, decline, own=False)
        tell(
            f"decline {decline}, calibrated on other articles: {declined:.1%} of the unanswerable "
            f"and {lost:.1%} of the answerable are declined; calibrated on all, of questions about "
            f"another paragraph {below(elsewhere, threshold_of(decline)):.1%}"
        )
    answerable, unanswerable = calibrated(scored, DECLINE, own=True)
    spread = times[:: len(times) // 7]
    print_report(
        "refusal",
        [
            figure("refused_unanswerable", unanswerable, "share", "higher", 0.5),
            figure("refused_answerable", answerable, "share", "lower", 0.2),
            figure("verify_ms", median(times), "ms", "lower", 200, runs=spread),
        ],
    )


def calibrated(scored: Sequence[Scored], decline: float, own: bool) -> tuple[float, float]:
    """Return the shares declined of answerable and of unanswerable questions.

    Args:
        scored: the questions.
        decline: the setting.
        own: every article's threshold comes from its own questions, by halves; else from those
            of all other articles.
    """
    declined: dict[bool, list[bool]] = {True: [], False: []}
    for title in dict.fromkeys(one.title for one in scored):
        answerable = [one for one in scored if one.title == title and one.answerable]
        missing = [one for one in scored if one.title == title and not one.answerable]
        others = [one for one in scored if one.title != title and one.answerable]
        halves = [(answerable[::2], answerable[1::2]), (answerable[1::2], answerable[::2])]
        for calibrating, measured in halves if own else [(others, answerable)]:
            threshold = calibration_of([one.score for one in calibrating], "").threshold(decline)
            for one in [*measured, *missing]:
                declined[one.answerable].append(one.score < threshold)
    return mean(declined[True]), mean(declined[False])


def scores_elsewhere(verifier: Verifier, questions: Sequence[Asked]) -> list[float]:
    """Return the scores of questions about another paragraph of the same article."""
    scores = []
    for one in questions[::_STEP]:
        others = [q.paragraph for q in questions if q.title == one.title]
        other = next(p for p in reversed(others) if p != one.paragraph)
        scores.append(verifier.score(one.question, other))
    return scores


def below(scores: Sequence[float], threshold: float) -> float:
    """Return the share that is declined."""
    return mean(one < threshold for one in scores)


def auc(answerable: Sequence[float], unanswerable: Sequence[float]) -> float:
    """Return how often an answerable question scores above an unanswerable one."""
    return mean((a > b) + 0.5 * (a == b) for a in answerable for b in unanswerable)


if __name__ == "__main__":
    main()
