"""The front door for browsers: the frame around the pages, and the router between them."""

import streamlit as st

from pages.shared import routes

st.set_page_config(page_title="Ragtune", page_icon=":material/balance:", layout="wide")
st.navigation(
    {
        "": [routes.HOME],
        "Retrieval": [routes.DOCUMENTS],
        "Fine-tuning": [routes.EXAMPLES, routes.FINETUNE],
        "Comparison": [routes.ASK],
        "Setup": [routes.SETTINGS],
    }
).run()
