"""Runs: every fine-tune with what it measured; compare, note, go on, run again, delete."""

from typing import Any

import pandas as pd
import streamlit as st

from finetune_backend.again import can_run_again
from finetune_backend.notes import LONGEST_CHARACTERS, read_notes, write_notes
from finetune_backend.runs import Run, delete_run, list_runs
from finetune_backend.side_by_side import MEANINGS, row
from finetune_backend.start_run import resume_run
from pages.shared import routes
from pages.shared.adapter_files import adapter_files, import_file
from pages.shared.delete import delete_popover
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.run_again import again_form
from pages.shared.run_compare import differing, overlay
from pages.shared.run_progress import show
from workbench.errors import RagtuneError

_REFRESH_SECONDS = 3.0
FORMATS = {
    "learning_rate": "%g",
    "loss": "%.3f",
    "recall": "%.3f",
    "forgetting_points": "%+.1f",
    "seconds": "%.0f",
    "peak_memory_gb": "%.2f",
    "adapter_mb": "%.1f",
}
lab = get_lab()
state = st.session_state

st.title("Runs")
st.markdown(
    "Every fine-tune, with what it measured. Select one for its details, several to compare."
)


def table(runs: list[Run]) -> list[Run]:
    """Draw all runs, and return those that are selected."""
    names = [run.name for run in runs]
    before = state.get("runs_chosen", names[:1])
    frame = pd.DataFrame([row(run) for run in runs])
    frame["created"] = pd.to_datetime(frame["created"])
    chosen = st.dataframe(
        frame,
        placeholder="–",  # what was not measured
        # Rows are counted: where the runs have changed, those selected are other ones.
        key="runs-" + " ".join(names),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [n for n, x in enumerate(names) if x in before]}},
        column_config={
            "name": st.column_config.TextColumn("Name", pinned=True),
            "state": "State",
            "created": st.column_config.DatetimeColumn("Created (UTC)", format="YYYY-MM-DD HH:mm"),
            **{name: number_column(name) for name in frame.columns[3:]},
        },
    )
    st.download_button(
        "CSV",
        lambda: frame.to_csv(index=False).encode("utf-8-sig"),
        "runs.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    selected = [runs[place] for place in chosen.selection.rows if place < len(runs)]
    state.runs_chosen = [run.name for run in selected]
    return selected


def number_column(name: str) -> Any:
    """Say how a column of numbers is headed, formatted and explained."""
    named = {"adapter_mb": "Adapter, MB", "peak_memory_gb": "Peak memory, GB"}
    label = named.get(name, name.replace("_", " ").capitalize())
    return st.column_config.NumberColumn(label, format=FORMATS.get(name), help=MEANINGS.get(name))


def details(run: Run) -> None:
    """Show all that is known of one run, and what can be done with it."""
    st.subheader(f"{plain(run.name)} – {run.state.state}")
    if run.state.state in ("failed", "interrupted"):
        st.error(plain(run.state.message), icon=":material/error:")
    learned = how = ""
    if not run.imported:
        learned = f"{run.examples} examples, {run.facts} facts, "
        how = f", learning rate {run.settings.learning_rate:g}, {run.settings.epochs} epochs"
        how += f", batch size {run.settings.batch_size}"
    st.markdown(f"{learned}on {plain(run.checkpoint)} · rank {run.settings.rank}{how}")
    if not run.state.ended:
        st.page_link(routes.FINETUNE, label="Watch it on Fine-tune", icon=routes.FINETUNE.icon)
    show(run)
    with st.expander("Its curves", icon=":material/show_chart:"):
        overlay([run])
    adapter_files(run)
    note(run)
    with st.container(horizontal=True):
        if run.can_go_on and st.button(
            "Go on",
            key=f"resume-{run.name}",
            icon=":material/play_arrow:",
            help="From what it saved last, as if it had never stopped.",
        ):
            resume_run(lab.home, run)
            st.rerun()
        delete([run])
    if can_run_again(run):
        again_form(run)


def note(run: Run) -> None:
    """Draw a text of one's own about the run."""
    before = read_notes(run.folder)
    text = st.text_area(
        "Notes", before, key=f"notes-{run.name}", max_chars=LONGEST_CHARACTERS, height=100
    )
    if st.button(
        "Save the notes",
        key=f"save-notes-{run.name}",
        icon=":material/save:",
        disabled=text == before,
    ):
        write_notes(run.folder, text)
        st.rerun()


def delete(runs: list[Run]) -> None:
    """Offer to delete runs, and ask again before it is done."""

    def delete_them() -> None:
        kept = []
        for run in runs:
            try:
                delete_run(run)
            except RagtuneError as error:
                kept.append(str(error))
        state.runs_kept = " ".join(kept)

    names = ", ".join(run.name for run in runs)
    delete_popover(
        f"{plain(names)}: adapters and notes can't be brought back.",
        delete_them,
        "Delete" if len(runs) == 1 else f"Delete {len(runs)} runs",
    )


def tell() -> None:
    """Say what the last action did."""
    if message := state.pop("runs_message", None):
        st.success(plain(message), icon=":material/check:")
    if kept := state.pop("runs_kept", None):
        st.error(plain(kept), icon=":material/error:")


@st.fragment(run_every=_REFRESH_SECONDS)
def watch_states(drawn: list[tuple[str, str]]) -> None:
    """Run the whole page again once a run is in another state than was drawn."""
    if _states(list_runs(lab.home)) != drawn:
        st.rerun(scope="app")


def _states(runs: list[Run]) -> list[tuple[str, str]]:
    return [(run.name, run.state.state) for run in runs]


with sentences():
    runs = list_runs(lab.home)
    tell()
    if runs:
        selected = table(runs)
        if len(selected) == 1:
            details(selected[0])
        elif selected:
            overlay(selected)
            differing(selected)
            delete(selected)
        if not all(run.state.ended for run in runs):
            watch_states(_states(runs))
    else:
        st.info("No fine-tunes yet.", icon=":material/monitoring:")
        st.page_link(routes.FINETUNE, label="Start one on Fine-tune", icon=routes.FINETUNE.icon)
    import_file()
