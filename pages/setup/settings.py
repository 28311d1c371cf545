"""Settings: the model, and what all four methods share."""

import dataclasses

import streamlit as st

from comparison.calibrate import calibrating_folder, start_calibrating
from comparison.trace import decimal
from pages.shared.job_progress import watch_job
from pages.shared.lab import get_lab, sentences
from pages.shared.option_input import option_input
from pages.shared.plain import plain
from pages.shared.prompt_editor import edit_prompts
from rag_backend.verify.verifier import shipped_calibration
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.server_engine import ServerEngine
from workbench.settings import DEFAULT_MODEL, Settings, key_variable, split_writer

_REFRESH_SECONDS = 2.0
GROUPS = {
    "Model": ("model", "server", "engine", "adapter_memory_mb", "judge", "writer"),
    "Passages": ("passage_tokens", "overlap_tokens"),
    "Search": ("search", "reranker", "candidates", "retrieved", "diversity", "around"),
    "Answers": ("read", "min_score", "decline", "max_new_tokens"),
}
"""All settings but the prompts, which have an editor of their own."""

lab = get_lab()

st.title("Settings")
st.markdown("All four methods share these, so that a comparison stays fair.")


def form(now: Settings) -> None:
    """Draw one input for each setting, and keep what is chosen."""
    with st.form("settings"):
        fields = {field.name: field for field in dataclasses.fields(Settings)}
        values = {}
        for tab, names in zip(st.tabs(list(GROUPS)), GROUPS.values(), strict=True):
            with tab:
                for name in names:
                    values[name] = option_input(fields[name], getattr(now, name))
        with st.container(horizontal=True):
            saved = st.form_submit_button("Save", type="primary", icon=":material/save:")
            checked = st.form_submit_button(
                "Check the connection",
                icon=":material/lan:",
                help="Asks the servers which models they offer. Saves nothing.",
            )
    try:
        if checked:
            check(Settings(**{name: values[name] for name in ("model", "server", "writer")}))
        if saved:
            with st.spinner("Looking for the model …"):
                lab.change_settings(dataclasses.replace(now, **values))
            st.toast("Saved", icon=":material/check:")
            lab.warm_up()
    except RagtuneError as error:
        st.error(plain(str(error)), icon=":material/error:")


def check(given: Settings) -> None:
    """Say how many models a server offers, and whether the one that is named is among them."""
    if given.server:
        ask_server("The server", ServerEngine(find_checkpoint(given.model, given.server)))
    else:
        st.info("No server is given: answers are made on this machine.", icon=":material/info:")
    writer, its_server = split_writer(given.writer)
    if its_server:
        there = ServerEngine(find_checkpoint(writer, its_server), "writer")
        ask_server("The writer's server", there)


def ask_server(which: str, engine: ServerEngine) -> None:
    """Ask a server for its models."""
    with st.spinner(f"Asking {which[0].lower()}{which[1:]} …"):
        offered = len(engine.models())
        st.success(
            f"{which} answers and offers {offered} model{'' if offered == 1 else 's'}.",
            icon=":material/check:",
        )
        engine.check()


@st.fragment(run_every=_REFRESH_SECONDS)
def engine() -> None:
    """Say which engine answers now; one may be being made ready."""
    st.caption(f":material/memory: {plain(lab.engine_sentence())}")


def declining() -> None:
    """Say where RAG declines, and offer to calibrate that on the examples."""
    st.subheader("When RAG and hybrid decline")
    settings, calibration = lab.settings, lab.knowledge_base.calibration()
    own = calibration != shipped_calibration()
    if settings.decline:
        least = decimal(calibration.threshold(settings.decline))
        st.markdown(
            "A small model scores how much speaks for a passage to hold the answer. Where all "
            f'passages score below **{least}**, the answer is "I don\'t know": below it are '
            f"{settings.decline:.0%} of {calibration.questions:,} questions whose passages do hold "
            "the answer."
        )
    else:
        st.markdown("No passage that is found and similar enough is declined: decline is 0.")
    if own:
        st.caption(f"The questions are your examples', as of {calibration.made_at[:10]}.")
    else:
        st.caption(
            "The questions are about encyclopedia articles. Yours may score otherwise: calibrate "
            "on your examples, at least 20 of them."
        )
    folder = calibrating_folder(lab.home)
    if jobs.at_work(folder):
        watch_job(folder, "The calibration stays as it was.")
        return
    left, right = st.columns([1, 4])
    if left.button("Calibrate", icon=":material/tune:"):
        st.session_state.calibrating = True
        start_calibrating(lab.home)
        st.rerun()
    if st.session_state.pop("calibrating", False):
        ended = jobs.read(folder)
        if ended.state in ("failed", "interrupted"):
            st.error(plain(ended.message), icon=":material/error:")
    if own and right.button("Forget", icon=":material/undo:", help="Back to what came along."):
        lab.knowledge_base.keep_calibration(None)
        st.rerun()


with sentences():
    form(lab.settings)
    engine()
    declining()
    edit_prompts()
    st.caption(
        f"Model: {DEFAULT_MODEL} is bundled. A Hugging Face id such as owner/model is fetched "
        "from the hub when you save. With a server, questions and the passages read for them, and "
        f"what a judge compares, are sent to it, with the key in {key_variable('server')} where "
        "that is set in the environment. A writer on a server is sent your documents when it is "
        f"asked to write, with the key in {key_variable('writer')}. "
        "Nothing else on these pages uses the network."
    )
    st.caption(f"Home folder: {plain(str(lab.home.folder))}")
