"""Inputs for the settings of a fine-tune, under headings."""

import dataclasses
from collections.abc import Collection
from typing import Any

import streamlit as st

from finetune_backend.settings import GROUPS, TrainSettings
from pages.shared.option_input import option_input

_FIELDS = {field.name: field for field in dataclasses.fields(TrainSettings)}


def train_settings(shown: TrainSettings, without: Collection[str] = ()) -> dict[str, Any]:
    """Draw an input for every setting, and return what was entered.

    Args:
        shown: what the inputs hold at first.
        without: settings that are chosen elsewhere.
    """
    values = {}
    for tab, names in zip(st.tabs(list(GROUPS)), GROUPS.values(), strict=True):
        columns = tab.columns(2)
        here = [name for name in names if name not in without]
        for place, name in enumerate(here):
            field, value = _FIELDS[name], getattr(shown, name)
            values[name] = option_input(field, value, columns[place % 2])
    return values
