"""The front door for browsers: the frame around the pages, and the router between them."""

from pathlib import Path

import streamlit as st

from pages.shared import routes

LOGO = Path(__file__).parent / "pages/shared/logo.svg"

st.set_page_config(
    page_title="Ragtune",
    page_icon=":material/balance:",
    layout="wide",
    initial_sidebar_state=210,
)
st.logo(str(LOGO), size="large")
st.navigation(
    {
        "": [routes.HOME],
        "Retrieval": [routes.DOCUMENTS],
        "Fine-tuning": [routes.EXAMPLES, routes.FINETUNE],
        "Comparison": [routes.ASK],
        "Setup": [routes.SETTINGS],
    }
).run()
