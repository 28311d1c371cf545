"""The training examples of a home, in its database."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa

from workbench.storage import Database, ExampleRow
from workbench.values import Example


def list_examples(database: Database) -> list[Example]:
    """Return all examples in the order in which they were added."""
    with database.session() as session:
        rows = session.scalars(sa.select(ExampleRow).order_by(ExampleRow.id)).all()
    return [_example(row) for row in rows]


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


def replace_examples(database: Database, examples: Sequence[Example]) -> None:
    """Replace all examples, in one step."""
    with database.session() as session:
        session.execute(sa.delete(ExampleRow))
        session.add_all([_row(example) for example in examples])


def _key(example: Example) -> tuple[str, str]:
    def folded(text: str) -> str:
        return " ".join(text.casefold().split())

    return folded(example.question), folded(example.answer)


def _row(example: Example) -> ExampleRow:
    return ExampleRow(**asdict(example))


def _example(row: ExampleRow) -> Example:
    return Example(**{field.name: getattr(row, field.name) for field in fields(Example)})
