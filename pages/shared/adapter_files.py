"""An adapter's files: what can be downloaded of one, and taking in one that was made elsewhere."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.job_progress import watch_job
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from workbench.kept import free_name

if TYPE_CHECKING:
    from finetune_backend.exports.export import Exported
    from finetune_backend.runs import Run

_FORMS = {
    "PEFT adapter": ("peft", ""),
    "Merged model": ("merged", ""),
    "GGUF, 16 bit": ("gguf", "float16"),
    "GGUF, 8 bit": ("gguf", "q8_0"),
}
_HELP = (
    "PEFT adapter: the matrices alone, a zip file. Merged model: base and adapter in one, for "
    "transformers, a zip file. GGUF: the same for llama.cpp and what is made of it, one file."
)


def adapter_files(run: "Run") -> None:
    """Offer a complete run's adapter in other programs' forms, each checked before."""
    from finetune_backend.exports.card import write_card
    from finetune_backend.exports.process import read_export

    if not run.complete:
        return
    if run.imported:
        st.caption(
            "Made elsewhere and imported: of its settings, rank, alpha and dropout are known."
        )
    with sentences():
        label = st.selectbox("Download as", list(_FORMS), key=f"form-{run.name}", help=_HELP)
        form, precision = _FORMS[label]
        _offer(run, form, precision)
        made = read_export(run, form, precision)
        st.download_button(
            "Card",
            lambda: write_card(run, form, made.sentence() if made else "").encode(),
            f"{run.name}.md",
            "text/markdown",
            key=f"card-{run.name}",
            icon=":material/description:",
            on_click="ignore",
            help="What it was made from, its settings, measures and limits; also in the zip files.",
        )


def _offer(run: "Run", form: str, precision: str) -> None:
    """Show an export that is ready or being made, or offer to make it."""
    from finetune_backend.exports.process import export_folder, read_export, start_export
    from workbench import jobs

    folder, key = export_folder(run, form, precision), f"{run.name}.{form}-{precision}"
    if jobs.at_work(folder):
        watch_job(folder, "Nothing is kept of it.")
        return
    made = read_export(run, form, precision)
    if made is not None:
        _download(run, made, form, precision)
        return
    if st.button("Make the file", key=f"make-{key}", icon=":material/package_2:"):
        start_export(get_lab().home, run, form, precision)
        st.rerun()
    if (folder / "state.json").exists():
        ended = jobs.read(folder)
        if ended.state != "cancelled":
            st.error(plain(ended.message), icon=":material/error:")


def _download(run: "Run", made: "Exported", form: str, precision: str) -> None:
    from finetune_backend.exports.process import delete_export

    st.markdown(f":material/check: {plain(made.sentence())}.")
    with st.container(horizontal=True):
        st.download_button(
            f"Download, {made.size_bytes / 1e6:,.1f} MB",
            made.place.read_bytes,
            made.place.name,
            "application/octet-stream",
            key=f"download-{made.place}",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button("Delete the file", key=f"drop-{made.place}", icon=":material/delete:"):
            delete_export(run, form, precision)
            st.rerun()


def import_file() -> None:
    """Take in an adapter that was made elsewhere."""
    if message := st.session_state.pop("adapter-imported", None):
        st.success(plain(message), icon=":material/check:")
    with st.expander("Import an adapter", icon=":material/upload:"):
        with st.form("import-adapter"):
            files = st.file_uploader(
                "A zip file, or adapter_model.safetensors and adapter_config.json",
                accept_multiple_files=True,
                help="A LoRA adapter that PEFT saved, for the model in Settings.",
            )
            name = st.text_input(
                "Name", placeholder=free_name(get_lab().home.runs, "adapter"), max_chars=60
            )
            anyway = st.checkbox(
                "Also if it names another base model",
                help="Its matrices have to fit the model in use all the same.",
            )
            wanted = st.form_submit_button("Import", icon=":material/upload:")
        if wanted:
            with sentences():
                _take({file.name: file.getvalue() for file in files}, name.strip(), anyway)


def _take(files: dict[str, bytes], name: str, anyway: bool) -> None:
    from finetune_backend.exports.adopt import import_adapter
    from finetune_backend.exports.received import read_files

    lab = get_lab()
    with st.spinner("Checking that it fits, and that it changes what the model says …"):
        run = import_adapter(lab.home, lab.checkpoint(), read_files(files), name or None, anyway)
    st.session_state["adapter-imported"] = f"{run.name} was imported."
    st.session_state.runs_chosen = [run.name]
    st.rerun()
