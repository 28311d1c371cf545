"""The document under construction: its headings as they open and close, its blocks in order."""

import re
from dataclasses import dataclass

from rag_backend.parse.clean import one_line
from rag_backend.parse.limits import (
    MAX_BLOCKS,
    MAX_HEADING_CHARACTERS,
    MAX_TABLE_ROWS,
    MAX_TEXT_CHARACTERS,
)
from workbench.errors import DocumentError
from workbench.values import Block

QUESTION = re.compile(r"(?:Q|Question)\s*\d*\s*(?::|[.)]\s)", re.IGNORECASE)
ANSWER = re.compile(r"(?:A|Answer)\s*\d*\s*(?::|[.)]\s)", re.IGNORECASE)


@dataclass(slots=True)
class _Heading:
    level: int
    text: str
    page: int | None
    used: bool = False
    """Whether anything stands under it."""


class Outline:
    """Collects the blocks of one document; a block gets the headings that are open above it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[_Heading] = []
        self._blocks: list[Block] = []
        self._characters = 0
        self._rows = 0

    def heading(self, level: int, text: str, page: int | None = None) -> None:
        """Open a heading; it closes those of its own level and below (a larger number)."""
        text = one_line(text)
        if not text:
            return
        if len(text) > MAX_HEADING_CHARACTERS:
            self.add(text, page)
            return
        self.close(level)
        self._open.append(_Heading(level, text, page))

    def add(self, text: str, page: int | None = None) -> None:
        """Add a block of text; empty text adds nothing.

        An answer ("A: …") directly after its question ("Q: …") joins the question's block.
        """
        if not text.strip():
            return
        headings = self._path()
        last = self._blocks[-1] if self._blocks else None
        if (
            last is not None
            and last.headings == headings
            and last.page == page
            and not last.cells
            and ANSWER.match(text)
            and QUESTION.match(last.text)
            and not any(ANSWER.match(line) for line in last.text.split("\n"))
        ):
            self._blocks.pop()
            text = f"{last.text}\n{text}"
        self._append(Block(text, headings, page))

    def row(self, cells: list[tuple[str, str]], page: int | None = None) -> None:
        """Add one table row of (column, value) pairs; pairs without a value are left out."""
        kept = tuple((column, value) for column, value in cells if value)
        if not kept:
            return
        self._rows += 1
        if self._rows > MAX_TABLE_ROWS:
            raise DocumentError(
                f"{self._name} has more than {MAX_TABLE_ROWS:,} table rows, which is the limit: "
                "split it into smaller files and add those."
            )
        text = "; ".join(f"{column}: {value}" if column else value for column, value in kept)
        self._append(Block(text, self._path(), page, kept))

    def close(self, level: int) -> None:
        """Close the headings of a level and below; what follows doesn't stand under them."""
        while self._open and self._open[-1].level >= level:
            closed = self._open.pop()
            if not closed.used:
                # A heading with nothing under it would be lost: it becomes text.
                self._append(Block(closed.text, self._path(), closed.page))

    def blocks(self) -> tuple[Block, ...]:
        """Close every heading and return what was collected."""
        self.close(0)
        return tuple(self._blocks)

    def _path(self) -> tuple[str, ...]:
        for heading in self._open:
            heading.used = True
        return tuple(heading.text for heading in self._open)

    def _append(self, block: Block) -> None:
        self._characters += len(block.text)
        if self._characters > MAX_TEXT_CHARACTERS:
            raise DocumentError(
                f"{self._name} holds more than {MAX_TEXT_CHARACTERS:,} characters of text, which "
                "is the limit: split it into smaller files and add those."
            )
        if len(self._blocks) == MAX_BLOCKS:
            raise DocumentError(
                f"{self._name} has more than {MAX_BLOCKS:,} paragraphs, which is the limit: split "
                "it into smaller files and add those."
            )
        self._blocks.append(block)
