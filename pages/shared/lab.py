"""The lab that all sessions of this server share."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.plain import plain
from workbench.errors import RagtuneError

if TYPE_CHECKING:
    from comparison.lab import Lab


@st.cache_resource(show_spinner=False)
def get_lab() -> "Lab":
    """Open the home folder that the server was started with."""
    from comparison.lab import open_lab
    from rag_backend.ingest.process import ensure

    lab = open_lab()
    with contextlib.suppress(RagtuneError):
        ensure(lab.home, lab.knowledge_base)  # what an earlier server left, and watched folders
    return lab


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """Show a `RagtuneError` as one clear sentence instead of a traceback."""
    try:
        yield
    except RagtuneError as error:
        st.error(plain(str(error)), icon=":material/error:")
