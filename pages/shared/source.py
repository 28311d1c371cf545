"""A document opened at the place that a source stands at."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.lab import get_lab, sentences
from pages.shared.plain import highlighted, plain
from rag_backend.parse.page_image import page_image

_BEFORE, _AFTER = 300, 1500
"""Characters shown around the place, which should be in sight at once on a small screen."""


@st.dialog("Source", width="large")
def open_source(name: str, page: int | None, spans: Sequence[tuple[int, int]]) -> None:
    """Show a document where parts of it stand, those parts highlighted.

    Args:
        name: of the document.
        page: of a PDF or slides, from 1.
        spans: the parts, in characters of the document's text.
    """
    with sentences():
        lab = get_lab()
        text = lab.knowledge_base.text(name)
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        start, end = max(0, first - _BEFORE), min(len(text), last + _AFTER)
        st.markdown(f"**{plain(name)}**" + (f", page {page}" if page else ""))
        document = lab.knowledge_base.find(name)
        if page and document and name.lower().endswith(".pdf"):
            with st.spinner("Drawing the page …"):
                picture = page_image(
                    lab.home.uploads / document.sha256,
                    name,
                    page,
                    [text[begin:stop] for begin, stop in spans],
                )
            st.image(picture, caption=f"Page {page}", width="stretch")
        before = "… " if start else ""
        after = " …" if end < len(text) else ""
        shown = [(begin - start, stop - start) for begin, stop in spans]
        st.markdown(f"{before}{highlighted(text[start:end], shown)}{after}")
        st.caption(f"Characters {first:,} to {last:,} of {len(text):,}.")
