"""What a rule of the advice is, what it finds, and the rules in the order of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from comparison.advice.measured import Evidence
from comparison.advice.use import Use
from comparison.prices import Prices

NAMES = {
    "base": "the bare model",
    "rag": "RAG",
    "finetuned": "fine-tuning",
    "hybrid": "RAG + fine-tuning",
}
"""The choices, the simplest first, and what an advice calls them."""
MEASURED_NAMES = {"base": "base", "rag": "RAG", "finetuned": "fine-tuned", "hybrid": "hybrid"}
"""What they are called where they are methods that were measured."""
PARTS = {"narrow": "right_trained", "broad": "right_untrained"}
"""Which facts count: a narrow domain can be trained whole, in a broad one most never are."""
MEASURED = "your measurement"
MADE = "how the methods work"
BALAGUER = "arXiv 2401.08406"  # RAG vs Fine-tuning: Pipelines, Tradeoffs … Agriculture
OVADIA = "arXiv 2312.05934"  # Fine-Tuning or Retrieval?
SOUDANI = "arXiv 2403.01432"  # Fine Tuning vs. RAG for Less Popular Knowledge
RAFT = "arXiv 2403.10131"  # RAFT: Adapting Language Model to Domain Specific RAG
BIDERMAN = "arXiv 2405.09673"  # LoRA Learns Less and Forgets Less


@dataclass(frozen=True, slots=True)
class Situation:
    """All that an advice follows from."""

    use: Use = field(default_factory=Use)
    evidence: Evidence = field(default_factory=Evidence)
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule says of a situation."""

    sentence: str
    source: str
    pull: Mapping[str, float] = field(default_factory=dict)
    """For each choice how far the rule speaks for it, about −1 to 1."""
    excludes: tuple[str, ...] = ()
    """Choices that are ruled out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that speaks for or against choices."""

    name: str
    weight: float
    """Points for a whole pull; 0 for a rule that only rules out or remarks."""
    look: Callable[[Situation], Found | None]
    """Returns None where the rule says nothing."""


def listed(names: list[str]) -> str:
    """Join words: "RAG, fine-tuning and the bare model"."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
