"""A document opened at the place that a source stands at."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.lab import get_lab, sentences
from pages.shared.plain import highlighted, plain
from rag_backend.parse.page_image import page_image
from rag_backend.passages import place_of
from workbench.errors import RagtuneError

_BEFORE, _AFTER = 300, 1500
"""Characters shown around the place, which should be in sight at once on a small screen."""
_picture = st.cache_data(max_entries=32, show_spinner=False)(page_image)
"""A copy of a document is named by its content, so its pages stay the same."""


def source_button(
    key: str,
    name: str,
    page: int | None,
    passage: str,
    end: int | None = None,
    cited: Sequence[tuple[int, int]] = (),
) -> None:
    """Draw the button that opens a document where a passage of it stands.

    Args:
        key: of the button.
        name: of the document.
        page: of a PDF or slides, from 1.
        passage: its text, as it was found.
        end: where it ended in the document's text, in characters, where that is known.
        cited: the parts of it to highlight, in its characters; by default all of it.
    """
    if st.button("Open in the document", key=key, icon=":material/open_in_full:"):
        _open(name, page, passage, end, cited)


@st.dialog("Source", width="large")
def _open(
    name: str,
    page: int | None,
    passage: str,
    end_before: int | None,
    cited: Sequence[tuple[int, int]],
) -> None:
    """Show a document where a passage stands, parts of it highlighted; see `source_button`."""
    with sentences():
        lab = get_lab()
        document = lab.knowledge_base.find(name)
        if document is None:
            raise RagtuneError(f"{name} is no longer among the documents: it was removed since.")
        text = lab.knowledge_base.text(name)
        place = place_of(passage, text, end_before)
        if place is None:
            raise RagtuneError(f"{name} was changed since, and no longer holds this passage.")
        body = place[1] - len(passage)
        marked = [(max(place[0], body + start), body + stop) for start, stop in cited]
        spans = [(start, stop) for start, stop in marked if start < stop] or [place]
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        start, end = max(0, first - _BEFORE), min(len(text), last + _AFTER)
        st.markdown(f"**{plain(name)}**" + (f", page {page}" if page else ""))
        if page and name.lower().endswith(".pdf"):
            with st.spinner("Drawing the page …"):
                picture = _picture(
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
