"""Which columns of a file are the fields of examples, and what the columns hold."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from finetune_backend.examples.wording import shorten
from workbench.errors import ExamplesError

FIELDS = ("question", "answer", "fact", "document", "messages")
"""Those that a column may be given for; messages hold a chat, in place of question and answer."""
_PAIR = {"question", "answer"}
_OURS = (*FIELDS, "passage", "status")
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
        return names_pair({field: field for field in _OURS}, names)

    @property
    def others(self) -> bool:
        """Are there columns that are read only if a person gives them for a field?"""
        return any(folded(column) not in _OURS for column in self.columns)


def folded(column: str) -> str:
    """Return the form in which two names of columns count as the same."""
    return column.strip().casefold()


def names_pair(wanted: Mapping[str, str], there: Collection[str]) -> bool:
    """Do the columns that there are hold a question and an answer, or a chat?"""
    return all(wanted.get(field) in there for field in _PAIR) or wanted.get("messages") in there


def wanted_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the folded column of each field: the given one, or the one with the field's name.

    A column that was given to one field is not taken for another, nor a chat where columns were
    given for question or answer.

    Args:
        columns: of fields; each one of `FIELDS`.

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
    if not _PAIR.isdisjoint(given) and "messages" not in given:
        taken.add("messages")
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
        "('fact' and 'document' are optional; 'messages' may hold chats). Name the columns so, or "
        "say which they are (page Examples, or --column question=…)."
    )


def listed(columns: Sequence[str]) -> str:
    """Name some columns in a sentence."""
    named = ", ".join(f"'{shorten(column, 40)}'" for column in columns[:8]) or "none"
    return named + (f" and {len(columns) - 8} more" if len(columns) > 8 else "")
