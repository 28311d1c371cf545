"""The pages and their addresses."""

import streamlit as st

HOME = st.Page("pages/start/home.py", title="Home", icon=":material/home:", default=True)
DOCUMENTS = st.Page(
    "pages/retrieval/documents.py", title="Documents", icon=":material/description:"
)
EXAMPLES = st.Page("pages/finetuning/examples.py", title="Examples", icon=":material/dataset:")
FINETUNE = st.Page(
    "pages/finetuning/finetune.py", title="Fine-tune", icon=":material/model_training:"
)
RUNS = st.Page("pages/finetuning/runs.py", title="Runs", icon=":material/monitoring:")
SWEEP = st.Page("pages/finetuning/sweep.py", title="Sweep", icon=":material/travel_explore:")
ASK = st.Page("pages/comparing/ask.py", title="Ask", icon=":material/balance:")
ADVISE = st.Page("pages/comparing/advise.py", title="Advise", icon=":material/signpost:")
EXAMS = st.Page("pages/comparing/exams.py", title="Exams", icon=":material/quiz:")
EXPERIMENTS = st.Page(
    "pages/comparing/experiments.py", title="Experiments", icon=":material/science:"
)
EVALUATE = st.Page("pages/comparing/evaluate.py", title="Evaluate", icon=":material/fact_check:")
SETTINGS = st.Page("pages/setup/settings.py", title="Settings", icon=":material/tune:")
