"""What every engine does: take a conversation, give the answer piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.language_models.likelihood import Likelihood
from workbench.language_models.loading import Checkpoint

BEAT_SECONDS = 0.1
"""While there is nothing new, an engine yields a piece without text about this often, so
that whoever reads can stop reading, which frees the place."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bit of an answer; the counts are totals so far.

    A piece without text may only say that there is nothing new; see `BEAT_SECONDS`.
    """

    text: str
    queue_ms: float
    """How long the request has waited for a place."""
    prompt_tokens: int
    completion_tokens: int
    place: int = 0
    """Its place in the line, 1 for the next one; 0 once it is worked on."""


class Engine(Protocol):
    """Runs one checkpoint, with or without a LoRA adapter, always greedily.

    Greedy decoding makes an answer depend on the question and the weights alone, which
    is what lets a comparison blame a difference on the method.
    """

    name: str
    checkpoint: Checkpoint
    precision: str
    together: int
    """How many conversations it works on at once."""
    room: int | None
    """The longest conversation with its answer, in tokens; None where that is not known."""
    no_likelihoods: str
    """Why `likelihoods` can't be had, as a clause; empty where they can."""

    def waiting(self) -> int:
        """Return how many conversations wait for a place."""
        ...

    def describe(self) -> str:
        """Say in a sentence or two how it serves, for a person who chooses an engine."""
        ...

    def prepare(self, adapter: str) -> None:
        """Load an adapter now, so that its loading is not part of an answer's time.

        Raises:
            RagtuneError: the adapter doesn't fit the checkpoint.
        """
        ...

    def count_tokens(self, messages: Sequence[dict[str, str]]) -> int | None:
        """Return how many tokens a conversation is to the model; None where only a server knows."""
        ...

    def stream(
        self,
        messages: Sequence[dict[str, str]],
        *,
        adapter: str | None = None,
        max_new_tokens: int,
    ) -> Iterator[Piece]:
        """Answer a conversation; closing the iterator stops the generation.

        Args:
            messages: chat messages with ``role`` and ``content``.
            adapter: what names the adapter to this engine: a PEFT folder's path on this
                machine, a model's name on a server; None for the base weights.
            max_new_tokens: the answer's bound in tokens.

        Raises:
            RagtuneError: the prompt doesn't fit the model's context, the adapter doesn't
                fit the checkpoint, too many wait already, or a server can't answer.
        """
        ...

    def likelihoods(
        self,
        messages: Sequence[dict[str, str]],
        texts: Sequence[str],
        *,
        adapter: str | None = None,
    ) -> list[Likelihood]:
        """Return how likely each of some texts is as the beginning of the answer.

        Args:
            messages: as for `stream`, whose prompt is the same.
            texts: at least one, none of them empty.
            adapter: as for `stream`.

        Raises:
            RagtuneError: as `stream`, or with `no_likelihoods`.
        """
        ...
