"""An input for one field of a settings dataclass."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def option_input(
    field: "dataclasses.Field[Any]",
    value: Any,
    place: "DeltaGenerator | None" = None,
    key: str | None = None,
) -> Any:
    """Draw the input that fits a field's type and bounds, and return what was entered.

    Args:
        field: declared with `workbench.settings.option`.
        value: shown at first.
        place: a column or container; the page itself by default.
        key: needed where another input on the page has the same field and value.
    """
    label = field.name.replace("_", " ").capitalize().replace(" mb", ", MB")
    meaning = field.metadata["meaning"]
    room: Any = place or st
    if field.metadata["choices"]:
        choices = field.metadata["choices"]
        return room.selectbox(label, choices, index=choices.index(value), help=meaning, key=key)
    if isinstance(value, str):
        return room.text_input(label, value, help=meaning, key=key)
    kind: Any = type(value)
    return room.number_input(
        label,
        min_value=kind(field.metadata["low"]),
        max_value=kind(field.metadata["high"]),
        value=value,
        format="%g" if kind is float else None,
        step=None if kind is int else _step(value),
        help=meaning,
        key=key,
    )


def _step(value: float) -> float:
    """Return a tenth of the value's power of ten: 0.0001 for 0.001, 0.01 for 0.25."""
    return float(10 ** (math.floor(math.log10(abs(value))) - 1)) if value else 0.01
