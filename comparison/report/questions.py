"""The questions of a report with all answers, those first that were answered wrongly."""

from comparison.evaluation.by_question import Asked, by_question
from comparison.evaluation.results import Results
from comparison.report.blocks import Points, Section, Table
from comparison.scoring import Row

_MOST_QUESTIONS = 2000
"""With more, a browser takes long to show them."""


def questions(found: Results) -> Section:
    """Return a row for each question, beginning with what the fewest columns got right."""
    labels = tuple(found.measures)
    asked = sorted(by_question(found.rows, labels), key=lambda one: (len(one.right()), one.number))
    wrong = sum(len(one.right()) < len(one.rows) for one in asked)
    said = f"{len(asked):,} questions, {wrong:,} of them answered wrongly at least once"
    if len(asked) > _MOST_QUESTIONS:
        said += f". The first {_MOST_QUESTIONS:,} are here, the files of rows have all"
        asked = asked[:_MOST_QUESTIONS]
    rows = tuple(_row(one, labels) for one in asked)
    return Section(
        "Questions",
        (
            Points(("✓ right, ✗ wrong. Those come first that the fewest columns got right.",)),
            Table(("#", "question", "expected", *labels), rows, said, folded=True),
        ),
    )


def _row(asked: Asked, labels: tuple[str, ...]) -> tuple[str, ...]:
    answers = (_answer(asked.rows.get(label)) for label in labels)
    return (str(asked.number + 1), asked.question, asked.expected, *answers)


def _answer(row: Row | None) -> str:
    if row is None:
        return "–"
    mark = ("✓" if row["right"] else "✗") + (" declined:" if row["refused"] else "")
    return f"{mark} {row['answer'] or '(nothing)'}"
