"""The exam that is to be built, and what became of it."""

from dataclasses import dataclass

from comparison.exams.exam import POOLS, TRAINED, UNANSWERABLE, UNTRAINED
from workbench.errors import RagtuneError

MOST = 1_000
"""Questions of a pool."""
_FEWER = {
    TRAINED: "no other wording was found whose answer the reader finds again in the documents",
    UNTRAINED: "the documents say no more that could be asked for and no example teaches",
    UNANSWERABLE: "no more questions have a name that could be exchanged",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The exam that is to be built."""

    name: str
    run: str | None = None
    """The fine-tune whose training is held against it; None for all examples."""
    trained: int = 30
    untrained: int = 30
    unanswerable: int = 12

    def __post_init__(self) -> None:
        """Check the sizes."""
        for pool, size in self.sizes.items():
            if not 0 <= size <= MOST:
                raise RagtuneError(f"{pool} is {size}; a number from 0 to {MOST:,} was expected.")
        if not any(self.sizes.values()):
            raise RagtuneError("All three pools are empty; at least one question was expected.")

    @property
    def sizes(self) -> dict[str, int]:
        """How many questions of each pool are asked for."""
        return {pool: getattr(self, pool) for pool in POOLS}


@dataclass(frozen=True, slots=True)
class Built:
    """What became of it."""

    name: str
    """Of the exam; empty where there is none."""
    pools: dict[str, int]
    wanted: Wanted
    stopped: bool = False
    """Was it stopped before all was looked for?"""

    def fewer(self) -> list[str]:
        """Say of each pool that has fewer questions than were asked for, why."""
        if self.stopped:
            return ["It was stopped before all questions were found."]
        return [
            f"{self.pools[pool]} of {size} {pool} questions: {_FEWER[pool]}."
            for pool, size in self.wanted.sizes.items()
            if self.pools[pool] < size
        ]
