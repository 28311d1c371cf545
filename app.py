"""The front door for browsers: the frame around the pages, and the router between them."""

from pathlib import Path

import streamlit as st

from pages.shared import routes

SHARED = Path(__file__).parent / "pages/shared"

st.set_page_config(
    page_title="Ragtune",
    # A file: the browser would fetch a named icon from the network.
    page_icon=str(SHARED / "icon.svg"),
    layout="wide",
    initial_sidebar_state=210,
)
st.logo(str(SHARED / "logo.svg"), size="large")
st.navigation(
    {
        "": [routes.HOME],
        "Retrieval": [routes.DOCUMENTS],
        "Fine-tuning": [routes.EXAMPLES, routes.FINETUNE, routes.RUNS, routes.SWEEP],
        "Comparison": [
            routes.ASK,
            routes.EXAMS,
            routes.EVALUATE,
            routes.EXPERIMENTS,
            routes.ADVISE,
        ],
        "Setup": [routes.SETTINGS],
    }
).run()
