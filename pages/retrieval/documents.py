"""Documents: add, look inside, search, remove."""

import dataclasses
from pathlib import Path

import streamlit as st

from pages.shared import routes
from pages.shared.answer import scores
from pages.shared.incoming import show_incoming
from pages.shared.lab import get_lab, sentences
from pages.shared.only_input import only_input
from pages.shared.option_input import option_input
from pages.shared.plain import moment, plain
from pages.shared.progress import progress_bar
from pages.shared.source import source_button
from rag_backend.documents import READABLE, Document
from rag_backend.index.duplicates import near_duplicates
from rag_backend.ingest import process as ingest
from rag_backend.ingest.watch import trouble as folder_trouble
from rag_backend.ingest.watch import unwatch, watch, watched
from rag_backend.search.find import find
from workbench.durations import duration
from workbench.errors import RagtuneError
from workbench.settings import Settings

_DOCUMENTS_SHOWN = 30
_PASSAGES_SHOWN = 50

lab = get_lab()
state = st.session_state
state.setdefault("upload_round", 0)

st.title("Documents")
st.markdown("What RAG and hybrid read before they answer. Everything stays on this machine.")


def add_uploads() -> None:
    """Take files into the line; they are indexed beside the app."""
    files = st.file_uploader(
        "Add files",
        help=f"Types: {' '.join(READABLE)}. A ZIP archive gives a document for each of its files.",
        accept_multiple_files=True,
        key=f"upload-{state.upload_round}",
    )
    if not files:
        for refused in state.get("upload_refused", ()):
            st.error(plain(refused), icon=":material/error:")
        return
    incoming = lab.knowledge_base.incoming
    incoming.forget(state="done")
    state.upload_refused = []  # told until the next upload
    for file in files:
        try:
            incoming.put(file.name, file.getvalue())
        except RagtuneError as error:
            state.upload_refused.append(str(error))
    ingest.ensure(lab.home, lab.knowledge_base, again=True)
    state.upload_round += 1  # a fresh, empty uploader
    st.rerun()


def watch_folders() -> None:
    """Choose folders whose files are documents, and see how each fares."""
    folders = watched(lab.knowledge_base)
    with st.expander(
        f"Watched folders ({len(folders)})" if folders else "Watch a folder",
        icon=":material/folder_eye:",
    ):
        st.caption(
            "Its files become documents. While this app runs, what changes, comes or goes in the "
            "folder does so here within seconds; only changed passages are embedded again."
        )
        for folder in folders:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(str(folder)))
                if st.button("Stop watching", key=f"unwatch-{folder}"):
                    unwatch(lab.knowledge_base, folder)
                    st.rerun()
            if trouble := folder_trouble(lab.knowledge_base, folder):
                st.warning(plain(trouble), icon=":material/warning:")
        with st.form("watch", border=False, clear_on_submit=True):
            path = st.text_input("Folder on the machine that runs Ragtune", placeholder="/path")
            if st.form_submit_button("Watch", icon=":material/visibility:") and path.strip():
                watch(lab.knowledge_base, Path(path.strip()))
                ingest.ensure(lab.home, lab.knowledge_base, again=True)
                st.rerun()


def preview() -> None:
    """Show the passages that a file would become, before it is indexed."""
    with st.expander("Look at the passages of a file before you add it", icon=":material/preview:"):
        file = st.file_uploader("File", key="preview")
        left, right = st.columns(2)
        now, fields = lab.settings, {field.name: field for field in dataclasses.fields(Settings)}
        size = option_input(fields["passage_tokens"], now.passage_tokens, left)
        overlap = option_input(fields["overlap_tokens"], now.overlap_tokens, right)
        if file is None:
            return
        sizes = dataclasses.replace(now, passage_tokens=size, overlap_tokens=overlap)
        with st.spinner("Reading …"):
            made = lab.knowledge_base.preview(
                file.getvalue(), file.name, sizes.passage_tokens, sizes.overlap_tokens
            )
        tokens = [count for _, count in made]
        st.caption(
            f"{len(made):,} passages of {min(tokens)} to {max(tokens)} tokens. To use these sizes, "
            "choose them in Settings."
        )
        for passage, count in made[:_PASSAGES_SHOWN]:
            where = [f"{count} tokens", *([f"page {passage.page}"] if passage.page else [])]
            with st.container(border=True):
                st.caption(plain(" › ".join((*where, *passage.headings))))
                st.markdown(plain(passage.text))
        if len(made) > _PASSAGES_SHOWN:
            st.caption(f"… and {len(made) - _PASSAGES_SHOWN:,} more.")


def show_removed() -> None:
    """Offer to bring back the document that was removed last."""
    if "removed" not in state:
        return
    name, data = state.removed
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Removed {plain(name)}.")
        if st.button("Undo", icon=":material/undo:"):
            lab.knowledge_base.incoming.put(name, data)
            ingest.ensure(lab.home, lab.knowledge_base, again=True)
            del state.removed
            st.rerun()


def list_documents() -> None:
    """List what is indexed, each with a button that removes it."""
    documents = lab.knowledge_base.documents()
    if not documents:
        st.info(
            "No documents yet. Add files above, or take the sample from Home.",
            icon=":material/description:",
        )
        st.page_link(routes.HOME, label="Open Home", icon=":material/home:")
        return
    passages = sum(document.passages for document in documents)
    st.subheader(f"{len(documents)} documents, {passages:,} passages")
    about_index(documents)
    shown = documents
    if len(documents) > _DOCUMENTS_SHOWN:
        part = st.text_input("Show documents whose name holds", placeholder="part of a name")
        shown = [one for one in documents if part.casefold() in one.name.casefold()]
        st.caption(f"{min(len(shown), _DOCUMENTS_SHOWN)} of {len(documents):,} are shown.")
    for document in shown[:_DOCUMENTS_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            pages = f"{document.pages} pages · " if document.pages else ""
            with st.container(gap=None):
                st.markdown(f"**{plain(document.name)}**")
                st.caption(
                    f"{pages}{document.passages} passages · {document.size_bytes / 1000:,.0f} kB "
                    f"· added {moment(document.added_at)}"
                )
            if st.button("Look inside", key=f"look-{document.sha256}-{document.name}"):
                state.look_inside = document.name
            if st.button(
                "Remove", key=f"remove-{document.sha256}-{document.name}", icon=":material/delete:"
            ):
                remove(document.name)


def about_index(documents: list[Document]) -> None:
    """Say how the passages are searched, and offer to index again what was split otherwise."""
    shape = lab.knowledge_base.index.shape()
    if shape.kind == "exact":
        st.caption("Every passage is compared with the question: exact search.")
    else:
        st.caption(
            f"{shape.cells:,} cells of passages, of which the {shape.probes} nearest to a question "
            f"are searched: {shape.recall:.1%} of what the exact search finds, measured on your "
            f"passages. Built in {duration(shape.build_seconds)}."
        )
    now = lab.settings
    sizes = now.passage_tokens, now.overlap_tokens
    other = [d.name for d in documents if (d.passage_tokens, d.overlap_tokens) != sizes]
    if other:
        st.info(
            f"{len(other)} documents were split into passages of other sizes than Settings say.",
            icon=":material/info:",
        )
        if st.button("Index them again", icon=":material/refresh:"):
            lab.knowledge_base.incoming.put_again(other)
            ingest.ensure(lab.home, lab.knowledge_base, again=True)
            st.rerun()


def duplicates() -> None:
    """Find passages that say almost the same."""
    if lab.knowledge_base.empty():
        return
    with st.expander("Find passages that say almost the same", icon=":material/content_copy:"):
        st.caption("They crowd others out of what is found and read. Which to remove, you know.")
        if not st.button("Compare all passages", icon=":material/compare:"):
            return
        pairs = near_duplicates(lab.database, lab.knowledge_base.index, progress=progress_bar())
        if not pairs:
            st.success("No two passages say almost the same.", icon=":material/check:")
            return
        st.dataframe(
            [
                {
                    "Shared words": f"{pair.shared:.0%}",
                    "Document": pair.documents[0],
                    "Passage": pair.texts[0],
                    "Other document": pair.documents[1],
                    "Other passage": pair.texts[1],
                }
                for pair in pairs
            ],
            hide_index=True,
            width="stretch",
        )


def remove(name: str) -> None:
    """Remove a document, keeping its content at hand for Undo."""
    document = lab.knowledge_base.find(name)
    if document is not None:
        state.removed = (name, (lab.home.uploads / document.sha256).read_bytes())
        with st.spinner(f"Removing {plain(name)} …"):
            lab.knowledge_base.remove(name)
    if state.get("look_inside") == name:
        del state.look_inside
    st.rerun()


def look_inside() -> None:
    """Show the passages of one document."""
    name = state.get("look_inside")
    if name is None:
        return
    st.subheader(f"Inside {plain(name)}")
    if st.button("Close", icon=":material/close:"):
        del state.look_inside
        st.rerun()
    passages, first = lab.knowledge_base.passages(name), 0
    if len(passages) > _PASSAGES_SHOWN:
        first = st.selectbox(
            "Passages",
            range(0, len(passages), _PASSAGES_SHOWN),
            format_func=lambda first: (
                f"{first + 1:,} to {min(first + _PASSAGES_SHOWN, len(passages)):,} "
                f"of {len(passages):,}"
            ),
            key=f"passages-{name}",
        )
    shown = passages[first : first + _PASSAGES_SHOWN]
    for number, passage in enumerate(shown, start=first + 1):
        where = [f"passage {number}"]
        where += [f"page {passage.page}"] if passage.page else []
        where += list(passage.headings)
        with st.container(border=True):
            st.caption(plain(" › ".join(where)))
            st.markdown(plain(passage.text))


def search() -> None:
    """Try the search by itself, without a language model."""
    if lab.knowledge_base.empty():
        return
    st.subheader("Try the search")
    question = st.text_input(
        "Question", key="search", placeholder="What would you like to find?", max_chars=4000
    )
    only = only_input("search")
    if not question.strip():
        return
    with st.spinner("Searching …"):
        found = find(lab.knowledge_base.index, question, lab.settings, only)
    st.caption(f"Searched in {found.search_ms:.0f} ms, reranked in {found.rerank_ms:.0f} ms.")
    if not found.sources:
        st.info("No passage holds any of these words.", icon=":material/search_off:")
    for source in found.sources:
        page = f", page {source.page}" if source.page else ""
        with st.container(border=True):
            told = scores(source.score, source.words, source.fit)
            st.caption(f"{plain(source.document)}{page} · {told}")
            st.markdown(plain(source.text))
            source_button(
                f"found-{source.id}", source.document, source.page, source.text, source.end
            )


with sentences():
    add_uploads()
    show_incoming()
    preview()
    watch_folders()
    show_removed()
    list_documents()
    look_inside()
    duplicates()
    search()
