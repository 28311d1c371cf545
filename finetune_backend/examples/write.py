"""Training examples written to a file that `read_examples` reads back unchanged."""

import csv
import io
import json
import re
from collections.abc import Iterable

from workbench.values import APPROVED, Example

COLUMNS = ("question", "answer", "fact", "document")

# A spreadsheet runs a cell that starts like this as a formula, whoever wrote it
# (OWASP, "CSV Injection"). Apostrophes in front are counted in, so that text which has one
# of its own gets a second and neither is lost on the way back.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def protect_cell(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return "'" + text if _FORMULA.match(text) else text


def unprotect_cell(text: str) -> str:
    """Take away the apostrophe that `protect_cell` put there, and no other."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def to_jsonl(examples: Iterable[Example], passages: bool = False) -> str:
    """Write examples as JSONL: one object a line with question, answer, fact, document and status.

    The document is left out where there is none, and the status of approved examples.

    Args:
        examples: any.
        passages: whether the passages are written too: they are parts of documents, and nothing
            that is trained on.
    """
    lines = []
    for example in examples:
        row = {"question": example.question, "answer": example.answer, "fact": example.fact}
        if example.document is not None:
            row["document"] = example.document
        if example.status != APPROVED:
            row["status"] = example.status
        if passages and example.passage:
            row["passage"] = example.passage
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def to_csv(examples: Iterable[Example]) -> str:
    """Write examples as CSV (RFC 4180) with the columns question, answer, fact and document.

    Where not all are approved, there is a column status, and where some have one, passage.
    Cells that a spreadsheet would run as a formula start with an apostrophe, which
    `read_examples` takes away again. Encode the text as
    ``utf-8-sig`` when it is meant for Excel, which takes plain UTF-8 for something else.
    """
    examples = list(examples)
    reviewed = any(example.status != APPROVED for example in examples)
    found = any(example.passage for example in examples)
    more = [*(["status"] if reviewed else []), *(["passage"] if found else [])]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*COLUMNS, *more])
    for example in examples:
        cells = (example.question, example.answer, example.fact, example.document or "")
        writer.writerow(map(protect_cell, [*cells, *(getattr(example, name) for name in more)]))
    return out.getvalue()
