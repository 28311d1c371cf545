"""The rows of an exam in CSV: which column is what, and the forms of an answer in one cell."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from finetune_backend.examples.columns import check_columns, folded, listed
from finetune_backend.examples.rows import csv_records, widest_header
from finetune_backend.examples.wording import clean, shorten
from finetune_backend.examples.write import unprotect_cell
from workbench.errors import ExamplesError

FIELDS = ("question", "answers", "document", "unanswerable", "fact", "pool")
MARK = "|"
"""Between the accepted forms of an answer in one cell, unless another is named."""
Columns = Mapping[str, Sequence[str]]
"""The columns of fields; only ``answers`` may have several."""
_YES = frozenset(("true", "yes", "y", "1", "x"))
_NO = frozenset(("false", "no", "n", "0", ""))


def csv_rows(
    text: str, name: str, columns: Columns, mark: str = MARK
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield the rows below the header, numbered as a spreadsheet numbers them.

    Each is what `comparison.exams.exam.exam_question` reads, or the reason why it is not. A cell
    of answers holds one, several with a mark between them, or a JSON list; where there are several
    columns of answers, each holds one or more.

    Args:
        text: of the file.
        name: of the file.
        columns: those that have other names than the fields; see `FIELDS`.
        mark: stands between answers in a cell; empty where a cell holds one.

    Raises:
        ExamplesError: there is no column for the questions or none for the answers.
    """
    delimiter, header = widest_header(text)
    places = _places(columns, header, name)
    records = csv_records(text, delimiter)
    next(records)  # the header
    for number, cells in records:
        if isinstance(cells, str):
            yield number, cells
        elif any(cell.strip() for cell in cells[len(header) :]):
            yield (
                number,
                f"it has {len(cells)} cells but the header has {len(header)}; put text that "
                "contains the separator in quotation marks",
            )
        else:
            yield number, _row(cells, places, mark)


def names_fields(columns: Sequence[str]) -> bool:
    """Do columns have the names of the fields, at least of question and answers?"""
    there = {folded(column) for column in columns}
    return "question" in there and bool(_answer_columns(columns))


def _places(columns: Columns, header: Sequence[str], name: str) -> dict[str, list[int]]:
    """Return where the columns of each field are."""
    given = {field: list(chosen) for field, chosen in columns.items() if chosen}
    for field, chosen in given.items():
        if field not in FIELDS:
            raise ExamplesError(
                f"'{field}' is no field of an exam; {', '.join(FIELDS)} are. "
                "Give a column as field=column, for example question=Frage."
            )
        if len(chosen) > 1 and field != "answers":
            raise ExamplesError(
                f"{len(chosen)} columns are given for {field}; one was expected. "
                "Only answers may have several."
            )
        check_columns({column: column for column in chosen}, header, name)
    taken = [folded(column) for chosen in given.values() for column in chosen]
    twice = next((column for column in taken if taken.count(column) > 1), None)
    if twice:
        raise ExamplesError(f"The column '{twice}' is given twice. Give it for one field only.")
    names = [folded(column) for column in header]
    free = [column for column in header if folded(column) not in taken]
    given = (
        {"answers": _answer_columns(free)}
        | {
            field: [column for column in free if folded(column) == field]
            for field in FIELDS
            if field != "answers"
        }
        | given
    )
    if not given["question"] or not given["answers"]:
        raise ExamplesError(
            f"'{name}' has the columns {listed(header)}, but 'question' and 'answers' are expected "
            "('document', 'unanswerable' and 'fact' are optional). Name the columns so, or say "
            "which they are (page Exams, or --column question=…)."
        )
    for chosen in given.values():
        for column in chosen:
            if names.count(folded(column)) > 1:
                raise ExamplesError(
                    f"'{name}' has more than one column named '{shorten(column, 40)}'. "
                    "Rename or remove all but one of them."
                )
    return {
        field: [names.index(folded(column)) for column in chosen]
        for field, chosen in given.items()
        if chosen
    }


def _answer_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns named answers or answer, and those with a number: answer 1, answer_2."""
    found = []
    for column in columns:
        word = folded(column).rstrip("0123456789").rstrip(" _-")
        if word in ("answers", "answer"):
            found.append(column)
    return found


def _row(cells: Sequence[str], places: Mapping[str, Sequence[int]], mark: str) -> Any:
    texts = {
        field: [unprotect_cell(cells[at]).strip() for at in chosen if at < len(cells)]
        for field, chosen in places.items()
    }
    row: dict[str, Any] = {"question": clean(" ".join(texts["question"]))}
    row["answers"] = [
        answer for cell in texts["answers"] for answer in _answers(cell, mark) if answer
    ]
    said = "".join(texts.get("unanswerable", ())).casefold()
    if said not in _YES | _NO:
        return f"unanswerable is “{shorten(said, 40)}”; yes or no was expected"
    row["unanswerable"] = said in _YES
    for field in ("document", "fact", "pool"):
        if value := clean("".join(texts.get(field, ()))):
            row[field] = value
    return row


def _answers(cell: str, mark: str) -> list[str]:
    """Return the accepted forms of an answer in a cell."""
    if cell.startswith("["):
        try:
            values = json.loads(cell)
        except (ValueError, RecursionError):
            values = None  # an answer that only begins with a bracket
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return [clean(value) for value in values]
    return [clean(part) for part in (cell.split(mark) if mark else [cell])]
