"""Settings: the model, and what all four methods share."""

import dataclasses

import streamlit as st

from pages.shared.lab import get_lab, sentences
from pages.shared.option_input import option_input
from pages.shared.plain import plain
from pages.shared.prompt_editor import PROMPTS, edit_prompts
from workbench.errors import RagtuneError
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.server_engine import ServerEngine
from workbench.settings import DEFAULT_MODEL, SERVER_KEY, Settings

_REFRESH_SECONDS = 2.0

lab = get_lab()

st.title("Settings")
st.markdown("All four methods share these, so that a comparison stays fair.")


def form(now: Settings) -> None:
    """Draw one input for each setting, and keep what is chosen."""
    with st.form("settings"):
        values = {
            field.name: option_input(field, getattr(now, field.name))
            for field in dataclasses.fields(Settings)
            if field.name not in PROMPTS
        }
        left, right = st.columns([1, 4])
        saved = left.form_submit_button("Save", type="primary", icon=":material/save:")
        checked = right.form_submit_button(
            "Check the connection",
            icon=":material/lan:",
            help="Asks the server which models it offers. Saves nothing.",
        )
    if checked:
        check(values["model"], values["server"])
    if saved:
        try:
            with st.spinner("Looking for the model …"):
                lab.change_settings(dataclasses.replace(now, **values))
        except RagtuneError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.toast("Saved", icon=":material/check:")
            lab.warm_up()


def check(model: str, server: str) -> None:
    """Say how many models a server offers, and whether this one is among them."""
    url = Settings(model=model, server=server).server
    if not url:
        st.info("No server is given: answers are made on this machine.", icon=":material/info:")
        return
    with st.spinner("Asking the server …"):
        engine = ServerEngine(find_checkpoint(model, url))
        offered = len(engine.models())
        st.success(
            f"The server answers and offers {offered} model{'' if offered == 1 else 's'}.",
            icon=":material/check:",
        )
        engine.check()


@st.fragment(run_every=_REFRESH_SECONDS)
def engine() -> None:
    """Say which engine answers now; one may be being made ready."""
    st.caption(f":material/memory: {plain(lab.engine_sentence())}")


with sentences():
    form(lab.settings)
    engine()
    edit_prompts()
    st.caption(
        f"Model: {DEFAULT_MODEL} is bundled. A Hugging Face id such as owner/model is fetched "
        "from the hub when you save. With a server, questions and the passages read for them "
        f"are sent to it, with the key in {SERVER_KEY} where that is set in the environment. "
        "Nothing else on these pages uses the network."
    )
    st.caption(f"Home folder: {plain(str(lab.home.folder))}")
