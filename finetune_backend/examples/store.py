"""The training examples of a home, in its database."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa

from workbench.storage import Database, ExampleRow
from workbench.values import Example

_ALL = sa.select(ExampleRow).order_by(ExampleRow.id)


def list_examples(database: Database) -> list[Example]:
    """Return all examples in the order in which they were added."""
    with database.session() as session:
        return [_example(row) for row in session.scalars(_ALL)]


def add_examples(database: Database, examples: Sequence[Example]) -> int:
    """Add examples; those whose question and answer are there already are left out.

    Returns:
        How many were new.
    """
    with database.session() as session:
        rows = session.scalars(sa.select(ExampleRow)).all()
        known = {_key(_example(row)) for row in rows}
        new = []
        for example in examples:
            if _key(example) not in known:
                known.add(_key(example))
                new.append(_row(example))
        session.add_all(new)
    return len(new)


def change_examples(
    database: Database, before: Sequence[Example], after: Sequence[Example]
) -> None:
    """Do to the examples, in one step, what turned some into others; all else stays as it is.

    What was added or taken away by somebody else meanwhile is left alone. With the two exchanged
    it is undone.
    """
    gone, new = set(before) - set(after), set(after) - set(before)
    with database.session() as session:
        there = [_example(row) for row in session.scalars(_ALL)]
        wanted = (set(there) - gone) | new
        session.execute(sa.delete(ExampleRow))
        # In the order of those given, so that what comes back does so in its old place.
        order = dict.fromkeys([*after, *there])
        session.add_all([_row(example) for example in order if example in wanted])


def _key(example: Example) -> tuple[str, str]:
    def folded(text: str) -> str:
        return " ".join(text.casefold().split())

    return folded(example.question), folded(example.answer)


def _row(example: Example) -> ExampleRow:
    return ExampleRow(**asdict(example))


def _example(row: ExampleRow) -> Example:
    return Example(**{field.name: getattr(row, field.name) for field in fields(Example)})
