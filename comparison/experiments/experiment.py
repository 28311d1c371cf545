"""What an experiment is: its question, what it needs, what it was given and what it found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from comparison.exams.exam import ExamQuestion
from comparison.experiments.keeper import Keeper
from comparison.lab import Lab
from workbench.settings import check_options, option
from workbench.values import Example

LABELS = {"base": "base", "rag": "RAG", "finetuned": "fine-tuned", "hybrid": "hybrid"}
"""How the methods are called in a sentence and in a figure."""
FEWEST = 3
"""With fewer questions nothing is found."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What can be chosen in every experiment; some offer more."""

    questions: int = option(30, "How many questions are asked, at most.", 3, 10_000)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True)
class Figure:
    """How a result's table is drawn; the names are those of its columns."""

    form: str
    """"bars" that lie in groups, "points" or "lines" over groups, or a "curve" over numbers."""
    group: str
    value: str
    colour: str
    title: str
    """Of the value, with its unit."""
    low: str = "low"
    """Where the value's interval begins."""
    high: str = "high"
    share: bool = True
    """Is the value a share, from 0 to 1?"""


@dataclass(frozen=True, slots=True)
class Result:
    """What an experiment found."""

    table: tuple[dict[str, Any], ...]
    """What the figures draw; shares go from 0 to 1 and have 95 % intervals."""
    figures: tuple[Figure, ...]
    caption: str
    """The finding, in sentences made from the numbers."""
    notes: tuple[str, ...]
    """What was equal, what wasn't, and what was left out."""
    changes: tuple[dict[str, str], ...] = ()
    """What was changed in the copies of the documents."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an experiment is run with."""

    questions: tuple[ExamQuestion, ...]
    """The whole exam."""
    adapter: str | None
    """The adapter's name; None where none is ready."""
    options: Any
    """Of the type that the experiment names."""
    examples: tuple[Example, ...] = ()
    """What is trained on; empty for an experiment that trains nothing."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment."""

    key: str
    title: str
    question: str
    """What it answers."""
    needs: str
    costs: str
    options: type[Any]
    """`Questions`, or one that offers more."""
    methods: tuple[str, ...]
    """Those that it can't do without."""
    run: Callable[[Lab, Chosen, Keeper], Result]
    trains: Callable[[Sequence[Example]], str | None] | None = None
    """Says what examples lack for its fine-tunes; None for one that makes none."""

    def missing(
        self, by_method: Mapping[str, str | None], examples: Sequence[Example] = ()
    ) -> str | None:
        """Say in one short sentence what it still needs, or None where it can begin.

        Args:
            by_method: what each method still needs; see `Lab.missing`.
            examples: those that could be trained on.
        """
        needed = [by_method[method] for method in self.methods]
        if self.trains:
            needed.append(self.trains(examples))
        return next(filter(None, needed), None)


def result_from(saved: dict[str, Any]) -> Result:
    """Return a result from what `as_saved` made of it."""
    return Result(
        table=tuple(saved["table"]),
        figures=tuple(Figure(**figure) for figure in saved["figures"]),
        caption=saved["caption"],
        notes=tuple(saved["notes"]),
        changes=tuple(saved["changes"]),
    )


def as_saved(result: Result) -> dict[str, Any]:
    """Return a result as JSON keeps it."""
    return asdict(result)
