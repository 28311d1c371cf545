"""A split of the examples: how they are parted, and how many become exams."""

from collections.abc import Sequence

import streamlit as st

from comparison.split_examples import KeptSplit, keep_split
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.split import BY, split, usual_by
from pages.shared.lab import get_lab
from workbench.values import Example


def offer_split(examples: Sequence[Example], busy: bool) -> KeptSplit | None:
    """Draw what a split needs, and return it once it was made.

    Args:
        examples: all of them.
        busy: examples are being written, and none can be set aside.

    Raises:
        ExamplesError: there is too little to part.
    """
    trained = to_train_on(examples)
    with st.expander("Split", icon=":material/call_split:"):
        st.caption(
            "Two parts are kept as exams, to choose settings with and to test with at the end. "
            "Their rows are set aside: no fine-tune learns from them."
        )
        usual = usual_by(trained)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            by = st.segmented_control(
                "What is never parted",
                BY,
                default=usual,
                required=True,
                format_func=lambda one: (
                    "Question, each label in all parts" if one == "label" else one.capitalize()
                ),
                key=f"split-by-{usual}",
            )
            validation = st.number_input("Validation, %", 0, 90, 10, key="split-validation")
            test = st.number_input("Test, %", 0, 90, 10, key="split-test")
            seed = st.number_input("Seed", 0, value=0, key="split-seed", help="Of the choice.")
            pressed = st.button("Split", disabled=busy or not trained or not validation + test)
    if not pressed:
        return None
    shares = ((100 - validation - test) / 100, validation / 100, test / 100)
    return keep_split(get_lab(), split(trained, by, shares, int(seed)))
