"""A model as a judge: how far it agrees with the votes, and what it says of an evaluation."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import routes
from pages.shared.job_progress import job_bar, seen_key, stop_button
from pages.shared.plain import plain

if TYPE_CHECKING:
    from comparison.evaluation.kept import Evaluation
    from comparison.judge.agreement import Agreement
    from comparison.judge.opinions import Opinion
    from comparison.lab import Lab

_REFRESH_SECONDS = 1.0
_STOPPED = ("failed", "interrupted")


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_judge(folder: Path) -> None:
    """Show how far a judge is until it ends; then run the whole page again."""
    from workbench import jobs

    job, seen = jobs.read(folder), seen_key(folder.name)
    if not job.active:
        st.session_state.pop(seen, None)
        st.rerun(scope="app")
    job_bar(folder.name, job, job.message)
    stop_button(
        "pause",
        folder,
        partial(jobs.pause, folder),
        "What was judged is kept. It can go on at any time, also after a restart.",
    )


def judge(lab: "Lab", evaluation: "Evaluation") -> None:
    """Say how far the judge agrees with the votes, let it judge, and show what it said."""
    from comparison.judge.agreement import agreement
    from comparison.judge.kept import judge_at_work
    from comparison.judge.opinions import opinions

    made, found, at_work = opinions(evaluation), agreement(lab), judge_at_work(lab.home)
    opened = bool(made or found.judged or at_work)
    with st.expander("A model's opinion", icon=":material/gavel:", expanded=opened):
        icon = ":material/block:" if found.missing else ":material/check_circle:"
        st.markdown(f"{icon} {plain(found.sentence)}")
        if found.biases:
            st.caption(f":material/swap_horiz: {plain(found.biases)}")
        if at_work is not None:
            watch_judge(at_work)
        else:
            _start(lab, evaluation, found)
        for one in made:
            _draw(evaluation, one)


def _start(lab: "Lab", evaluation: "Evaluation", found: "Agreement") -> None:
    """Offer to measure the agreement, and to judge where it suffices."""
    from comparison.judge.judge import the_judge
    from comparison.judge.kept import judging_folder, votes_folder
    from comparison.judge.pairs import left_to_judge
    from comparison.judge.start import start_judging, start_measuring
    from workbench import jobs

    who = the_judge(lab)
    left = left_to_judge(evaluation, who)
    for folder in (votes_folder(lab.home, who), judging_folder(evaluation, who)):
        if (folder / "state.json").exists() and (job := jobs.read(folder)).state in _STOPPED:
            st.error(plain(job.message), icon=":material/error:")
    unready = found.missing
    if not unready and not evaluation.complete:
        unready = "The evaluation is not complete yet."
    with st.container(horizontal=True):
        if st.button(
            f"Judge votes ({found.waiting:,})",
            icon=":material/how_to_vote:",
            disabled=not found.waiting,
            help="Shows the judge what people voted on blind, each round in both orders.",
        ):
            start_measuring(lab)
            st.rerun()
        if st.button(
            f"Judge pairs of answers ({left:,})",
            icon=":material/gavel:",
            disabled=bool(unready) or not left,
            help=plain(unready) or "Each in both orders. Takes as long as twice as many answers.",
        ):
            start_judging(lab, evaluation)
            st.rerun()
        if found.missing:
            st.page_link(routes.ASK, label="Vote on page Ask", icon=routes.ASK.icon)
    st.caption(
        "The judge is the model that the Settings name. It has to earn its place: it judges "
        "evaluations only once it agrees with blind votes."
    )


def _draw(evaluation: "Evaluation", made: "Opinion") -> None:
    """Show what a judge prefers, with its agreement, and offer all it said as files."""
    import pandas as pd

    from comparison.judge.opinions import as_csv, as_json

    st.markdown(f"**{plain(made.judging.model)}** prefers:")
    st.dataframe(
        pd.DataFrame(
            {
                "First": one.first,
                "Second": one.second,
                "Win share of the first": (
                    f"{one.share.value:.0%} ({one.share.low:.0%}–{one.share.high:.0%})"
                ),
                "First preferred": one.only_first,
                "Second preferred": one.only_second,
                "Ties": one.ties,
                "Not decided": one.undecided,
                "Questions": one.questions,
            }
            for one in made.preferences
        ),
        hide_index=True,
        column_config={
            "Win share of the first": st.column_config.TextColumn(
                help="Ties, and what was not decided, are half a win for each. In brackets: the "
                "95 % interval, paired bootstrap over questions."
            ),
            "Not decided": st.column_config.NumberColumn(
                help="It said something else when the answers stood in the opposite order, or its "
                "reply could not be read."
            ),
        },
    )
    for note in made.notes:
        st.caption(f":material/info: {plain(note)}")
    name = f"{evaluation.name}-judged"
    with st.container(horizontal=True):
        st.download_button(
            "Opinion as CSV",
            lambda: as_csv(made).encode("utf-8-sig"),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            key=f"csv-{made.judging.folder.name}",
            on_click="ignore",
            help="A row for each pair of answers.",
        )
        st.download_button(
            "Opinion as JSON",
            lambda: json.dumps(as_json(made), ensure_ascii=False, indent=2).encode(),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            key=f"json-{made.judging.folder.name}",
            on_click="ignore",
        )
