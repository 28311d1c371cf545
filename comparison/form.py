"""The form that an answer is to have, where an exam asks for one: how it begins and ends."""

from dataclasses import dataclass
from typing import Any

from workbench.errors import RagtuneError


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer has to keep to; an empty one asks for nothing."""

    starts: str = ""
    ends: str = ""
    holds: tuple[str, ...] = ()
    """Texts that stand in it, in any order."""
    lacks: tuple[str, ...] = ()
    """Texts that don't."""
    most_words: int = 0
    """0 where any number will do."""

    def kept_by(self, answer: str) -> bool:
        """Does an answer have this form? Case counts, space around it doesn't."""
        text = answer.strip()
        return (
            bool(text)
            and text.startswith(self.starts)
            and text.endswith(self.ends)
            and all(wanted in text for wanted in self.holds)
            and not any(unwanted in text for unwanted in self.lacks)
            and (not self.most_words or len(text.split()) <= self.most_words)
        )


def read_form(row: Any, place: str) -> Form | None:
    """Read a form as an exam has it; None where it has none.

    Args:
        row: an object with some of `Form`'s fields, or None.
        place: for the error.

    Raises:
        RagtuneError: it is none.
    """
    if row is None:
        return None
    expected = (
        'some of {"starts": "…", "ends": "…", "holds": ["…"], "lacks": ["…"], "most_words": 20} '
        "were expected"
    )
    if not isinstance(row, dict) or not row or set(row) - set(Form.__slots__):
        raise RagtuneError(f"{place} has the form {row!r}; {expected}.")
    kinds = {"starts": str, "ends": str, "holds": list, "lacks": list, "most_words": int}
    for key, value in row.items():
        fits = type(value) is kinds[key] and value != 0
        if not fits or (kinds[key] is list and not all(isinstance(v, str) for v in value)):
            raise RagtuneError(f"{place} has a form with {key} {value!r}; {expected}.")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Form(**values)
