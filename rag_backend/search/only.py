"""What a search is limited to: some documents, types of file, or those added since a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from rag_backend.documents import few
from workbench.errors import RagtuneError
from workbench.storage import DocumentRow


@dataclass(frozen=True, slots=True)
class Only:
    """The documents that a search looks into; what is empty limits nothing."""

    documents: tuple[str, ...] = ()
    """Their names."""
    types: tuple[str, ...] = ()
    """Extensions with their dot, such as ".pdf"."""
    since: date | None = None
    """Added on this day (UTC) or later."""

    def __bool__(self) -> bool:
        return bool(self.documents or self.types or self.since)

    def check(self, names: Sequence[str]) -> None:
        """Hold what it names against the names of all documents.

        Raises:
            RagtuneError: there is no such document, or none of such a type.
        """
        for name in self.documents:
            if name not in names:
                raise RagtuneError(f"There is no document {name!r}. Documents: {few(names)}.")
        types = sorted({PurePath(name).suffix.lower() for name in names})
        for one in self.types:
            if one not in types:
                raise RagtuneError(f"There is no document of type {one}. Types: {few(types)}.")

    def where(self, query: "sa.Select[Any]") -> "sa.Select[Any]":
        """Limit a query over documents."""
        if self.documents:
            query = query.where(DocumentRow.name.in_(self.documents))
        if self.types:
            query = query.where(
                sa.or_(*(DocumentRow.name.iendswith(one, autoescape=True) for one in self.types))
            )
        if self.since:
            query = query.where(DocumentRow.added_at >= datetime.combine(self.since, time(), UTC))
        return query


EVERYTHING = Only()
