"""The files on their way into the knowledge base, shown live."""

import itertools
import time

import streamlit as st

from pages.shared.lab import get_lab
from pages.shared.plain import plain
from rag_backend.ingest import process as ingest
from rag_backend.ingest.incoming import IncomingFile, State
from workbench.durations import time_left

_REFRESH_SECONDS = 0.5
_SHOWN = 100
_ICONS: dict[State, str] = {
    "working": ":material/hourglass_top:",
    "refused": ":material/block:",
    "waiting": ":material/schedule:",
    "cancelled": ":material/close:",
    "done": ":material/check:",
}
"""What needs somebody's eyes comes first."""


def show_incoming() -> None:
    """Show what is on its way, until all of it has come to an end."""
    unfinished = get_lab().knowledge_base.incoming.waiting()
    # A fragment that is drawn again and again is only wanted while something changes.
    (_live if unfinished else _show)()


@st.fragment(run_every=_REFRESH_SECONDS)
def _live() -> None:
    lab = get_lab()
    if not lab.knowledge_base.incoming.waiting():
        st.rerun(scope="app")
    ingest.ensure(lab.home, lab.knowledge_base)
    _show()


def _show() -> None:
    incoming = get_lab().knowledge_base.incoming
    counts = incoming.counts()
    of = sum(counts.values())
    if not of:
        return
    in_order = (incoming.files(state=state, most=_SHOWN) for state in _ICONS)
    files = list(itertools.islice(itertools.chain.from_iterable(in_order), _SHOWN))
    _heading(counts, files)
    for file in files:
        _file(file)
    if of > len(files):
        st.caption(f"… and {of - len(files):,} more.")


def _heading(counts: dict[State, int], files: list[IncomingFile]) -> None:
    lab = get_lab()
    incoming = lab.knowledge_base.incoming
    unfinished, of = counts["waiting"] + counts["working"], sum(counts.values())
    with st.container(horizontal=True, vertical_alignment="center"):
        if unfinished:
            working = sum(file.share for file in files if file.state == "working")
            done = of - unfinished
            share = (done + working) / of
            st.progress(
                share,
                text=f"{done:,} of {of:,} files are through{_time_left(share)}. "
                "You may close this tab.",
            )
            if st.button("Cancel all", icon=":material/stop_circle:"):
                incoming.cancel()
                st.rerun()
        else:
            st.session_state.pop("ingest-seen", None)
            if st.button("Clear this list", icon=":material/clear_all:"):
                incoming.forget()
                st.rerun()
    state = ingest.state(lab.home)
    if unfinished and state is not None and state.state == "failed":
        st.error(plain(state.message), icon=":material/error:")
        if st.button("Try again", icon=":material/refresh:", key="ingest-again"):
            ingest.ensure(lab.home, lab.knowledge_base, again=True)
            st.rerun()


def _time_left(share: float) -> str:
    """Say how long the rest takes, going by what was done since it was first looked at."""
    now = time.monotonic()
    begun, before = st.session_state.setdefault("ingest-seen", (now, share))
    if share < before:  # there is more to do now
        begun, before = st.session_state["ingest-seen"] = (now, share)
    left = time_left(now - begun, share - before, 1 - share)
    return f", {left}" if left else ""


def _file(file: IncomingFile) -> None:
    incoming = get_lab().knowledge_base.incoming
    said = plain(file.message) or {"waiting": "Waiting.", "working": "Beginning …"}[file.state]
    icon = _ICONS[file.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        if file.state == "refused":
            st.error(said, icon=icon)
        elif file.state == "done":
            st.success(f"{plain(file.name)} – {said}", icon=icon)
        else:
            st.markdown(f"{icon} {plain(file.name)} – {said}")
        if file.state in ("refused", "cancelled"):
            if st.button("Try again", key=f"again-{file.id}", icon=":material/refresh:"):
                incoming.retry(file.id)
                ingest.ensure(get_lab().home, get_lab().knowledge_base, again=True)
                st.rerun()
        elif file.state != "done" and st.button(
            "Cancel", key=f"cancel-{file.id}", icon=":material/close:"
        ):
            incoming.cancel([file.id])
            st.rerun()
