"""The prompts: edited with a preview of exactly what the model will see, and kept in versions."""

import dataclasses

import streamlit as st

from pages.shared.lab import get_lab
from pages.shared.plain import moment, plain
from workbench.errors import RagtuneError
from workbench.language_models.prompts import check_question
from workbench.settings import Settings, prompt_versions

PROMPTS = ("system_prompt", "passage_prompt")
_MEANINGS = {
    field.name: field.metadata["meaning"]
    for field in dataclasses.fields(Settings)
    if field.name in PROMPTS
}


def edit_prompts() -> None:
    """Edit the prompts, look at what comes of them, and go back to earlier ones."""
    lab, state = get_lab(), st.session_state
    now = lab.settings
    st.subheader("Prompts")
    for name in PROMPTS:
        state.setdefault(f"prompt-{name}", getattr(now, name))
    system = st.text_area(
        "System prompt", key="prompt-system_prompt", height=68, help=_MEANINGS["system_prompt"]
    )
    template = st.text_area(
        "Prompt with passages",
        key="prompt-passage_prompt",
        height=120,
        help=_MEANINGS["passage_prompt"],
    )
    try:
        edited = dataclasses.replace(now, system_prompt=system, passage_prompt=template)
    except RagtuneError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if edited == now:
        st.caption(f"Version {max(1, len(prompt_versions(lab.home)))} is in use.")
    elif st.button("Save the prompts", type="primary", icon=":material/save:"):
        lab.change_settings(edited)
        st.rerun()
    _preview(edited)
    _versions()


def _preview(settings: Settings) -> None:
    """Show what the model sees for a question, and how its tokens are spent."""
    from comparison.answering import retriever_of, room_of
    from rag_backend.answer.chain import declined, make_reader

    lab = get_lab()
    with st.expander("Preview: exactly what the model sees", icon=":material/visibility:"):
        question = st.text_input("A question to try", key="prompt-question", max_chars=4000)
        if not question.strip():
            return
        if lab.knowledge_base.empty():
            st.info("No documents yet: there are no passages to show.", icon=":material/info:")
            return
        with st.spinner("Searching and counting …"):
            engine = lab.engine()
            reader = make_reader(
                retriever_of(lab, settings),
                settings.system_prompt,
                settings.passage_prompt,
                room_of(engine, settings),
            )
            seen = reader.invoke(check_question(question))
            if not seen["prompt"]:
                st.info(
                    f"The model would not be asked. The answer: {declined(seen['sources'])}",
                    icon=":material/info:",
                )
                return
            read = [source for source in seen["sources"] if source.metadata["read"]]
            dropped = sum(source.metadata["dropped"] for source in seen["sources"])
            whole = engine.count_tokens(seen["prompt"])
            alone = [
                engine.count_tokens([{"role": "user", "content": source.page_content}])
                for source in read
            ]
            empty = engine.count_tokens([{"role": "user", "content": ""}])
        for turn in seen["prompt"]:
            st.caption(f"Said as {turn['role']}")
            st.code(turn["content"], language=None, wrap_lines=True)
        if whole is None or empty is None:
            st.caption("Only the server that answers knows how many tokens this is.")
            return
        if dropped:
            st.warning(
                f"{dropped} of {len(read) + dropped} passages are dropped, the last ones first: "
                "the model's context has no room for them.",
                icon=":material/content_cut:",
            )
        passages = sum((tokens or 0) - empty for tokens in alone)
        room = f" of {engine.room:,}" if engine.room else ""
        st.caption(
            f"{whole:,}{room} tokens: {passages:,} in {len(read)} passages, "
            f"{whole - passages:,} for the question and the prompts; up to "
            f"{settings.max_new_tokens:,} more for the answer."
        )


def _versions() -> None:
    """List earlier prompts, each with a button that brings it back."""
    versions = prompt_versions(get_lab().home)
    if len(versions) < 2:
        return
    with st.expander(f"{len(versions)} versions", icon=":material/history:"):
        for version in reversed(versions):
            with st.container(border=True):
                st.caption(f"Version {version.number}, {moment(version.since)} UTC")
                st.code(
                    f"{version.system_prompt}\n\n{version.passage_prompt}",
                    language=None,
                    wrap_lines=True,
                )
                st.button(
                    "Edit this one",
                    key=f"prompt-version-{version.number}",
                    icon=":material/undo:",
                    on_click=_bring_back,
                    args=(version.system_prompt, version.passage_prompt),
                )


def _bring_back(system_prompt: str, passage_prompt: str) -> None:
    st.session_state["prompt-system_prompt"] = system_prompt
    st.session_state["prompt-passage_prompt"] = passage_prompt
