"""What is paid, which all pages share that count money."""

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from comparison.prices import Prices, load_prices, save_prices
from pages.shared.lab import sentences

if TYPE_CHECKING:
    from workbench.home import Home

_LABELS = {
    "machine_hour": "An hour of the machine",
    "tokens_read": "A million tokens read",
    "tokens_written": "A million tokens written",
}


def price_inputs(home: "Home") -> Prices:
    """Draw the prices that are kept, keep what is changed, and return them."""
    prices, state = load_prices(home), st.session_state
    with st.expander("Prices, in any one currency", icon=":material/payments:"):
        for field, column in zip(dataclasses.fields(Prices), st.columns(3), strict=True):
            # Another tab may have changed it since this one drew it.
            state[_key(field.name)] = getattr(prices, field.name)
            column.number_input(
                _LABELS[field.name],
                field.metadata["low"],
                field.metadata["high"],
                step=0.5,
                format="%g",
                help=f"{field.metadata['meaning']} 0: not known.",
                key=_key(field.name),
                on_change=_keep,
                args=(home, field.name),
            )
    return prices


def _keep(home: "Home", name: str) -> None:
    with sentences():
        changed = {name: st.session_state[_key(name)]}
        save_prices(home, dataclasses.replace(load_prices(home), **changed))


def _key(name: str) -> str:
    return f"price-{name}"
