"""The values that pass between the packages: plain, frozen, with units in their names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list, code block or table row of a document, in reading order.

    A table row is written out as ``column: value; column: value`` so that it means
    something by itself, and ``cells`` keeps it as ``(column, value)`` pairs.
    """

    text: str
    headings: tuple[str, ...] = ()
    """The headings above it, outermost first."""
    page: int | None = None
    """Counted from 1; None where the format has no pages."""
    cells: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser made of one file."""

    blocks: tuple[Block, ...]
    pages: int | None
    """Number of pages; None where the format has no pages."""
    scanned: int = 0
    """How many pages were pictures, whose text was recognised (OCR)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document: the unit that is embedded, found and shown."""

    text: str
    headings: tuple[str, ...] = ()
    page: int | None = None
    start: int = 0
    """Where it begins in the document's text, in characters."""
    end: int = 0


WAITING, APPROVED, REJECTED, SET_ASIDE = STATUSES = ("waiting", "approved", "rejected", "set aside")
"""What is to become of an example; see `finetune_backend.examples.review`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training row. Several wordings of one fact share ``fact``."""

    question: str
    answer: str
    fact: str
    document: str | None = None
    passage: str = ""
    """The text that the example came from; empty for imported ones."""
    status: str = APPROVED
    """One of `STATUSES`."""
