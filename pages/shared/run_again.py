"""A form that starts a run once more, with the same settings or others."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.train_settings import train_settings

if TYPE_CHECKING:
    from finetune_backend.runs import Run


def again_form(run: "Run") -> None:
    """Offer a run's examples and settings for a new one; they can be changed before it starts."""
    from finetune_backend.again import next_name, run_again
    from finetune_backend.settings import TrainSettings

    home = get_lab().home
    with (
        st.expander("Run it again, with the same settings or others", icon=":material/replay:"),
        st.form(f"again-{run.name}", border=False),
    ):
        st.markdown(
            f"The same {run.examples} examples, on {plain(run.checkpoint)}. What you change here "
            "is all that will differ."
        )
        name = st.text_input("Name", next_name(home, run.name), max_chars=60)
        values = train_settings(run.settings)
        if st.form_submit_button("Run again", type="primary", icon=":material/play_arrow:"):
            with sentences(), st.spinner("Starting …"):
                started = run_again(home, run, TrainSettings(**values), name.strip() or None)
                st.session_state.runs_message = f"{started.name} is {started.state.state}"
                st.rerun()
