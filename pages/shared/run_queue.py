"""What waits for its turn, in its order."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.lab import get_lab
from pages.shared.plain import plain
from workbench.durations import duration

if TYPE_CHECKING:
    from finetune_backend.queue import Waiting

_REFRESH_SECONDS = 2.0


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_queue() -> None:
    """List what waits until something starts or ends; then run the whole page again."""
    from finetune_backend import queue

    home, state = get_lab().home, st.session_state
    queue.start_next(home)
    line, holder = queue.waiting(home), queue.holder(home)
    now = (holder, [one.folder for one in line])
    if state.setdefault("queue_seen", now) != now:
        state.queue_seen = now
        st.rerun(scope="app")
    if line:
        st.subheader("Queue")
    for number, one in enumerate(line, start=1):
        _waiting(one, number)


def _waiting(one: "Waiting", number: int) -> None:
    """Draw one that waits: when its turn is expected, and what can be done about it."""
    from finetune_backend import queue

    name = queue.title(one.folder)
    starts, takes = queue.starts_in_seconds(one.folder), queue.seconds_left(one.folder)
    told = [f"**{number}. {plain(name)}**"]
    if starts is not None:
        told.append(f"starts in about {duration(starts)}")
    if takes is not None:
        told.append(f"takes about {duration(takes)}")
    with st.container(horizontal=True, vertical_alignment="center", key=f"waiting-{number}"):
        st.markdown(" · ".join(told))
        if number > 1 and st.button("To the front", key=f"front-{name}", icon=":material/north:"):
            queue.to_front(one.folder)
            st.rerun(scope="app")
        if st.button("Take it out", key=f"leave-{name}", icon=":material/close:"):
            queue.leave(one.folder)
            st.rerun(scope="app")
