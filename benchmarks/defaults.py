"""What each default of searching and reading is worth: ``python -m benchmarks.defaults``.

About 20 minutes on two cores. One setting at a time differs from its default. The questions
are answerable ones of SQuAD 2.0, of the titles that nothing was trained on; see
`benchmarks.retrieval`. All paragraphs are in the knowledge base.
"""

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison.ask import ask
from comparison.lab import Lab, open_lab
from comparison.metrics import contains
from comparison.shipped.reading_data import Asked, add_paragraphs, held_out
from workbench.settings import Settings

_QUESTIONS = 200
_DEFAULT = Settings(decline=0.0)
CHANGES: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "search: dense": {"search": "dense"},
    "search: words": {"search": "words"},
    "reranker: none": {"reranker": ""},
    "diversity: 0.3": {"diversity": 0.3},
    "diversity: 0.6": {"diversity": 0.6},
    "around: 1": {"around": 1},
    "around: 2": {"around": 2},
    "read: 2": {"read": 2},
    "read: 3": {"read": 3},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question."""

    found: bool
    """Its paragraph is among the passages that were found."""
    read: bool
    """What the model read holds an accepted answer."""
    answered: bool
    """The answer holds one."""


def main() -> None:
    """Measure, and print the report."""
    asked = all_asked()
    answerable = [one for one in asked if one.answers and one.title in held_out(asked)]
    questions = answerable[:: len(answerable) // _QUESTIONS][:_QUESTIONS]
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        names = add_paragraphs(lab.knowledge_base, asked, named=True)
        outcomes = {way: run(lab, change, questions, names) for way, change in CHANGES.items()}
        lab.database.close()
    usual = outcomes["the defaults"]
    figures = []
    for way, mine in outcomes.items():
        gain, interval = difference(mine, usual)
        tell(
            f"{way}: found {mean(o.found for o in mine):.1%}, read {mean(o.read for o in mine):.1%}"
            f", answered {mean(o.answered for o in mine):.1%} ({gain:+.1%} ± {interval:.1%})"
        )
        if way != "the defaults":
            peer = f"the defaults; ± {interval:.3f}"
            figures.append(figure(f"gain of {way}", gain, "share", "lower", 0.0, peer=peer))
    print_report("defaults", figures)


def run(
    lab: Lab, change: dict[str, Any], questions: Sequence[Asked], names: dict[str, str]
) -> list[Outcome]:
    """Ask every question with one setting changed."""
    lab.change_settings(dataclasses.replace(_DEFAULT, **change))
    outcomes = []
    for one in questions:
        *_, answer = ask(lab, one.question, ["rag"])
        read = "\n".join(source.text for source in answer.sources if source.read)
        outcomes.append(
            Outcome(
                names[one.paragraph] in [source.document for source in answer.sources],
                bool(contains(read, one.answers)),
                bool(contains(answer.text, one.answers)),
            )
        )
    return outcomes


def difference(mine: Sequence[Outcome], usual: Sequence[Outcome]) -> tuple[float, float]:
    """Return how many more questions are answered, as a share, and half its 95 % interval.

    The same questions are compared, by the normal approximation.
    """
    gains = [a.answered - b.answered for a, b in zip(mine, usual, strict=True)]
    return mean(gains), 1.96 * stdev(gains) / len(gains) ** 0.5


if __name__ == "__main__":
    main()
