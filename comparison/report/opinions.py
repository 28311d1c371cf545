"""What judges said of an evaluation, as a part of a report: marked as an opinion."""

from comparison.evaluation.kept import Evaluation
from comparison.judge.opinions import opinions
from comparison.report.blocks import Block, Points, Section, Table, percent


def judged(evaluation: Evaluation) -> tuple[Section, ...]:
    """Return the opinion of each judge; nothing where none has judged."""
    blocks: list[Block] = []
    for made in opinions(evaluation):
        rows = tuple(
            (
                one.first,
                one.second,
                f"{one.questions:,}",
                percent(one.share),
                f"{one.only_first:,}",
                f"{one.only_second:,}",
                f"{one.ties:,}",
                f"{one.undecided:,}",
            )
            for one in made.preferences
        )
        head = ("first", "second", "questions", "win share of the first (95 % interval)")
        counted = ("first preferred", "second preferred", "ties", "not decided")
        blocks += [
            Points(made.notes),
            Table((*head, *counted), rows, f"What {made.judging.model} prefers"),
        ]
    return (Section("A model's opinion", tuple(blocks)),) if blocks else ()
