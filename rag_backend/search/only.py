"""What a search is limited to: some documents, types of file, or those added since a day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa

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
