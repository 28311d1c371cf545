"""The examples that a fine-tune or a sweep learns from, as a person chooses."""

import streamlit as st

from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import list_examples
from pages.shared.lab import get_lab
from workbench.values import WAITING, Example


def trained_examples() -> list[Example]:
    """Ask whether examples that nobody has looked through are left out, and return the others."""
    every = list_examples(get_lab().database)
    waiting = sum(example.status == WAITING for example in every)
    approved_only = bool(waiting) and st.toggle(
        f"Train on approved examples only ({waiting:,} are waiting)",
        help="Page Examples: a person approves or rejects what was written. Rejected ones are "
        "never trained on.",
    )
    return to_train_on(every, approved_only)
