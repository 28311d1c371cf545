"""An input for what is searched of a setting: a range, or one value."""

import dataclasses
from typing import Any

import streamlit as st

from finetune_backend.sweep.space import Range
from pages.shared.option_input import option_input


def range_input(field: "dataclasses.Field[Any]", usual: Range, value: Any) -> Any:
    """Draw the two ends of a range, and return it, or the value where it is not searched.

    Args:
        field: declared with `workbench.settings.option`.
        usual: shown at first.
        value: shown at first where it is fixed.
    """
    label = field.name.replace("_", " ").capitalize()
    switch, low, high = st.columns(3, vertical_alignment="bottom")
    if not switch.toggle(f"Search {label.lower()}", value=True, key=f"search-{field.name}"):
        return option_input(field, value, low)
    kind: Any = type(field.default)
    least = max(kind(1), kind(field.metadata["low"])) if kind is int else field.metadata["low"]
    ends = []
    for place, end, name in ((low, usual.low, "from"), (high, usual.high, "to")):
        ends.append(
            place.number_input(
                f"{label}, {name}",
                min_value=kind(least),
                max_value=kind(field.metadata["high"]),
                value=kind(end),
                format="%g" if kind is float else None,
                step=None if kind is int else end / 10,
                key=f"{name}-{field.name}",
            )
        )
    return Range(*ends)
