"""What stands beside each other in a comparison: a method, with its adapter and its model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from workbench.errors import RagtuneError

METHODS = ("base", "rag", "finetuned", "hybrid")
_TITLES = {"base": "Base", "rag": "RAG", "finetuned": "Fine-tuned", "hybrid": "Hybrid"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a comparison."""

    method: str
    """One of `METHODS`."""
    adapter: str | None = None
    """The adapter's name; None for the newest one, and where the method has none."""
    model: str | None = None
    """The model's name; None for the one that the settings name."""

    @property
    def label(self) -> str:
        """Name it as scripts do: "rag", "finetuned · sample"."""
        return _joined(self.method, self.adapter, self.model)

    @property
    def title(self) -> str:
        """Name it as a heading does: "RAG", "Fine-tuned · sample"; of a folder, its own name."""
        model = PurePath(self.model).name if self.model else None
        return _joined(_TITLES[self.method], self.adapter, model)

    @property
    def tuned(self) -> bool:
        """Does it answer with an adapter?"""
        return self.method in ("finetuned", "hybrid")

    @property
    def searches(self) -> bool:
        """Does it read the documents?"""
        return self.method in ("rag", "hybrid")


def check_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """Return the methods once each, in the order of `METHODS`.

    Raises:
        RagtuneError: one is unknown, or there is none.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        given = ", ".join(unknown) or "no method"
        raise RagtuneError(f"{given} was given; some of {', '.join(METHODS)} were expected.")
    return tuple(method for method in METHODS if method in methods)


def columns_of(methods: Sequence[str], adapters: Sequence[str | None]) -> tuple[Column, ...]:
    """Return the columns of methods, those with an adapter once for each.

    Args:
        methods: some of `METHODS`.
        adapters: at least one; None for the newest.

    Raises:
        RagtuneError: as `check_methods`.
    """
    columns = []
    for method in check_methods(methods):
        column = Column(method)
        columns += [Column(method, name) for name in adapters] if column.tuned else [column]
    return tuple(dict.fromkeys(columns))


def as_columns(chosen: Sequence[str | Column], adapter: str | None = None) -> tuple[Column, ...]:
    """Return what was chosen as columns, each once.

    Args:
        chosen: methods, which come first and in the order of `METHODS`, or columns.
        adapter: of the methods that have one; None for the newest.

    Raises:
        RagtuneError: a method is unknown, or nothing was chosen.
    """
    methods = [one for one in chosen if isinstance(one, str)]
    columns = [one for one in chosen if isinstance(one, Column)]
    check_methods([*methods, *(column.method for column in columns)])
    made = columns_of(methods, [adapter]) if methods else ()
    return tuple(dict.fromkeys([*made, *columns]))


def _joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
