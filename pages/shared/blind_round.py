"""Answers without names, the vote on them, and what all votes say."""

import streamlit as st

from comparison.blind import Round, letter
from comparison.own_words import own_words
from comparison.votes import (
    ALL_BAD,
    ALL_GOOD,
    BEST,
    Vote,
    delete_vote,
    first_place,
    keep_vote,
    list_votes,
    standings,
    votes_csv,
)
from pages.shared.answer import side_by_side
from pages.shared.lab import get_lab
from pages.shared.plain import highlighted, plain


def vote_on(shown: Round) -> int | None:
    """Draw a round without names and what can be said of it; return the vote's number, if any."""
    marked = own_words(shown.texts if st.session_state.marked else [""] * len(shown.texts))
    for place, room in enumerate(side_by_side(len(shown.order))):
        with room:
            st.markdown(f"#### {letter(place)}")
            if shown.texts[place]:
                st.markdown(highlighted(shown.texts[place], marked[place], "blue"))
            else:
                st.caption("It said nothing.")
    st.caption(
        "Which answer is best? What would tell who gave it is hidden, and the order is drawn anew "
        "for every question. The names follow after the vote."
    )
    two = len(shown.order) == 2
    said: tuple[str, int | None] | None = None
    with st.container(horizontal=True):
        for place in range(len(shown.order)):
            label = f"{letter(place)} is {'better' if two else 'best'}"
            if st.button(label, key=f"vote-{place}", shortcut=str(place + 1)):
                said = BEST, place
        every = "Both" if two else "All"
        if st.button(f"{every} good", icon=":material/thumb_up:", shortcut="G"):
            said = ALL_GOOD, None
        if st.button(f"{every} bad", icon=":material/thumb_down:", shortcut="N"):
            said = ALL_BAD, None
    return keep_vote(get_lab().database, shown, *said) if said else None


def reveal(shown: Round, number: int) -> None:
    """Say who stood where and what was voted, as long as the vote is kept."""
    vote = next((one for one in list_votes(get_lab().database) if one.number == number), None)
    names = ", ".join(f"{letter(n)}: {plain(one.title)}" for n, one in enumerate(shown.order))
    if vote is None:
        st.info(f"The vote was deleted. {names}.", icon=":material/undo:")
    else:
        st.success(f"Kept: {_said(vote)}. {names}.", icon=":material/how_to_vote:")


def tally() -> None:
    """Show what all votes say, with a file of them and a way to take the last one back."""
    votes = list_votes(get_lab().database)
    if not votes:
        return
    with st.expander(f"Votes ({len(votes):,})", icon=":material/how_to_vote:"):
        if counted := standings(votes):
            st.dataframe(
                {
                    "Column": [one.column.title for one in counted],
                    "Best": [one.wins for one in counted],
                    "of": [one.decided for one in counted],
                    "Share (95 % interval)": [
                        f"{one.wins / one.decided:.0%} ({one.low:.0%} to {one.high:.0%})"
                        for one in counted
                    ],
                },
                hide_index=True,
                width="stretch",
            )
        good, bad = (sum(vote.said == said for vote in votes) for said in (ALL_GOOD, ALL_BAD))
        st.caption(
            f"Counted are votes that name a best one; {good:,} found all good and {bad:,} all bad. "
            "Intervals: Wilson."
        )
        st.caption(f":material/shuffle: {plain(first_place(votes).sentence())}")
        last = votes[-1]
        st.caption(f"The last one: {_said(last)}, for “{plain(last.round.question)}”.")
        with st.container(horizontal=True):
            st.download_button(
                "Download as CSV",
                lambda: votes_csv(votes).encode("utf-8-sig"),
                "votes.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
            if st.button("Delete the last vote", icon=":material/undo:"):
                delete_vote(get_lab().database, last.number)
                st.rerun()


def _said(vote: Vote) -> str:
    """Write out a vote, escaped."""
    return f"{plain(vote.winner.title)} is the best" if vote.winner else vote.said
