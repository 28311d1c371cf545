"""Home: what this is, what is ready, and the sample."""

import streamlit as st

from pages.shared import routes
from pages.shared.lab import get_lab, sentences
from pages.shared.plain import plain
from pages.shared.progress import progress_bar
from pages.shared.run_progress import watch

st.title("Retrieval, fine-tuning, or both?")
st.markdown(
    "Ask the same question to a language model **as it is**, with your **documents at hand** "
    "(RAG), **fine-tuned** on them, and **both at once** – and see which serves you better."
)


def steps() -> None:
    """Show the way through the app, with what is done already."""
    from finetune_backend.examples.review import to_train_on
    from finetune_backend.examples.store import list_examples
    from finetune_backend.runs import list_runs

    lab = get_lab()
    documents = len(lab.knowledge_base.documents())
    examples = len(to_train_on(list_examples(lab.database)))
    adapters = sum(run.complete for run in list_runs(lab.home))
    cards = st.columns(4, border=True)
    for card, number, title, text, state, page in zip(
        cards,
        range(1, 5),
        ("Add documents", "Collect examples", "Fine-tune", "Ask"),
        (
            "PDF, scans, Office, EPUB, HTML, text, data or code. They are split and indexed.",
            "Questions with answers: import them, or take those found in the documents.",
            "Train a LoRA adapter, in the background, with the settings chosen for you.",
            "One question, four columns: answers, time and sources side by side.",
        ),
        (f"{documents} documents", f"{examples} examples", f"{adapters} adapters", ""),
        (routes.DOCUMENTS, routes.EXAMPLES, routes.FINETUNE, routes.ASK),
        strict=True,
    ):
        with card:
            st.markdown(f"##### {number}. {title}")
            st.caption(text)
            done = state and not state.startswith("0 ")
            if state:
                st.badge(
                    state,
                    icon=":material/check:" if done else None,
                    color="green" if done else "gray",
                )
            st.page_link(page, label=f"Open {page.title}", icon=page.icon)


def evidence() -> None:
    """Lead on from single answers to measured ones."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Then let evidence decide:**", width="content")
        for page in (routes.EXAMS, routes.EVALUATE, routes.EXPERIMENTS, routes.ADVISE):
            st.page_link(page, label=page.title, icon=page.icon)


def sample() -> None:
    """Offer the sample, or show how far it is."""
    from comparison import sample as made
    from finetune_backend.runs import list_runs
    from finetune_backend.start_run import check_trainable

    lab = get_lab()
    st.subheader("New here?")
    st.markdown(
        "The sample is a small invented company, Brindlecart: its handbook, manuals, price list "
        "and policies. Its facts are in no model's memory, so every right answer was read or "
        "learned here. It takes about four minutes on two cores."
    )
    running = next(
        (r for r in list_runs(lab.home) if not r.state.ended and r.name.startswith(made.RUN_NAME)),
        None,
    )
    if running is None and st.button(
        "Try the sample", type="primary", icon=":material/play_arrow:"
    ):
        with sentences():
            check_trainable(lab.checkpoint())
            made.add_documents(lab, progress_bar("Step 1 of 2: "))
            running = made.train_sample(lab)
            st.session_state["sample_run"] = running.name
            st.rerun()
    if running is not None:
        st.session_state["sample_run"] = running.name
        documents = len(lab.knowledge_base.documents())
        st.success(f"Step 1 of 2: {documents} documents indexed", icon=":material/check:")
        st.markdown(
            "**Step 2 of 2: fine-tuning on the sample's examples.** "
            "You may close this tab; it goes on."
        )
        watch(running.name)
    elif name := st.session_state.pop("sample_run", None):
        finish(name)


def finish(name: str) -> None:
    """Go on to the comparison, or say why the sample's fine-tune made no adapter."""
    from comparison import sample as made
    from finetune_backend.runs import read_run

    run = read_run(get_lab().home.runs / name)
    if run.complete:
        st.session_state["question"] = made.QUESTION
        st.switch_page(routes.ASK)
    st.warning(
        f"The fine-tune is {run.state.state}. {plain(run.state.message)}", icon=":material/info:"
    )


with sentences():
    steps()
    evidence()
    sample()
