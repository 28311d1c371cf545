"""What stands beside each other in a comparison: a method, with its adapter and its model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a comparison."""

    method: str
    """One of `comparison.ask.METHODS`."""
    adapter: str | None = None
    """The adapter's name; None for the newest one, and where the method has none."""
    model: str | None = None
    """The model's name; None for the one that the settings name."""

    @property
    def label(self) -> str:
        """Name it as a heading does: "rag", "finetuned · sample"."""
        return " · ".join(part for part in (self.method, self.adapter, self.model) if part)
