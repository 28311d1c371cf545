"""Which columns of a file are the fields of examples, and what the columns hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune_backend.examples.wording import shorten
from workbench.errors import ExamplesError

FIELDS = ("question", "answer", "fact", "document")
_OURS = (*FIELDS, "status")
"""Those that are read where a column has the name."""
PREVIEW_ROWS = 5
PREVIEW_CHARS = 200
MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """The columns of a file and its first rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """As many cells as there are columns; long ones are cut."""

    @property
    def named(self) -> bool:
        """Do the columns have the names of the fields, or is each row a chat?"""
        names = {folded(column) for column in self.columns}
        return {"question", "answer"} <= names or "messages" in names


def folded(column: str) -> str:
    """Return the form in which two names of columns count as the same."""
    return column.strip().casefold()


def wanted_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the folded column of each field: the given one, or the one with the field's name.

    A column that was given to one field is not taken for another.

    Args:
        columns: of fields; each "question", "answer", "fact" or "document".

    Raises:
        ExamplesError: there is no such field, or a column is given twice.
    """
    for field in columns:
        if field not in FIELDS:
            raise ExamplesError(
                f"'{field}' is no field of an example; {', '.join(FIELDS)} are. "
                "Give a column as field=column, for example question=Frage."
            )
    given = {field: folded(column) for field, column in columns.items()}
    for field, column in given.items():
        others = [other for other in given if other != field and given[other] == column]
        if others:
            raise ExamplesError(
                f"The column '{columns[field]}' is given for {field} and for {others[0]}. "
                "Give a column for one of them only."
            )
    taken = set(given.values())
    return given | {field: field for field in _OURS if field not in given and field not in taken}


def check_columns(columns: Mapping[str, str], there: Sequence[str], name: str) -> None:
    """Make sure that a file has the columns that were given.

    Raises:
        ExamplesError: one is missing; with those that are there.
    """
    names = {folded(column) for column in there}
    for column in columns.values():
        if folded(column) not in names:
            raise ExamplesError(
                f"'{name}' has no column '{shorten(column, 40)}'. It has {listed(there)}."
            )


def unnamed(wanted: Mapping[str, str], there: Sequence[str], name: str) -> ExamplesError:
    """Return the error of a file that has no column for the question or none for the answer.

    Args:
        wanted: see `wanted_columns`.
        there: the file's columns.
        name: of the file.
    """
    question, answer = (wanted.get(field, field) for field in ("question", "answer"))
    return ExamplesError(
        f"'{name}' has the columns {listed(there)}, but '{question}' and '{answer}' are expected "
        "('fact' and 'document' are optional). Name the columns so, or say which they are "
        "(page Examples, or --column question=…)."
    )


def listed(columns: Sequence[str]) -> str:
    """Name some columns in a sentence."""
    named = ", ".join(f"'{shorten(column, 40)}'" for column in columns[:8]) or "none"
    return named + (f" and {len(columns) - 8} more" if len(columns) > 8 else "")
