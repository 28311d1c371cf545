"""Settings: the model, and what all four methods share."""

import dataclasses

import streamlit as st

from pages.shared.lab import get_lab, sentences
from pages.shared.option_input import option_input
from pages.shared.plain import plain
from workbench.errors import RagtuneError
from workbench.settings import DEFAULT_MODEL, Settings

lab = get_lab()

st.title("Settings")
st.markdown("All four methods share these, so that a comparison stays fair.")


def form(now: Settings) -> None:
    """Draw one input for each setting, and keep what is chosen."""
    with st.form("settings"):
        values = {
            field.name: option_input(field, getattr(now, field.name))
            for field in dataclasses.fields(Settings)
        }
        saved = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if saved:
        try:
            with st.spinner("Looking for the model …"):
                lab.change_settings(Settings(**values))
        except RagtuneError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.toast("Saved", icon=":material/check:")


with sentences():
    form(lab.settings)
    st.caption(
        f"Model: {DEFAULT_MODEL} is bundled. A Hugging Face id such as owner/model is fetched "
        "from the hub when you save; nothing else on these pages uses the network."
    )
    st.caption(f"Home folder: {plain(str(lab.home.folder))}")
