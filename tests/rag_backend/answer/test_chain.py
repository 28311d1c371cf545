"""The chain is a LangChain Runnable that streams sources first and then the answer."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain.messages import HumanMessage
from langchain_core.runnables import Runnable

from rag_backend.answer.chain import NOT_ANSWERED, NOT_IN_DOCUMENTS, PassageRetriever, make_chain
from rag_backend.answer.chat_model import EngineChatModel
from workbench.settings import Settings


@pytest.fixture()
def model(tiny_lab):
    return EngineChatModel(engine=tiny_lab.engine(), max_new_tokens=5)


def test_it_streams_sources_before_the_answer(tiny_lab, handbook, model):
    tiny_lab.knowledge_base.add(handbook)
    chain = make_chain(
        PassageRetriever(index=tiny_lab.knowledge_base.index, settings=Settings(read=1)), model
    )
    assert isinstance(chain, Runnable)
    parts = list(chain.stream("When does the workshop close?"))
    assert set(parts[0]) == {"question", "sources", "prompt"}
    assert len(parts) > 2 and all(set(part) == {"answer"} for part in parts[1:])
    sources = parts[0]["sources"]
    assert [source.metadata["read"] for source in sources] == [True, False]


def test_the_model_reads_the_passage_and_the_question(tiny_lab, handbook, model):
    tiny_lab.knowledge_base.add(handbook)
    seen = []

    class Listening(EngineChatModel):
        def _stream(self, messages, *args, **kwargs):
            seen.extend(messages)
            yield from super()._stream(messages, *args, **kwargs)

    listening = Listening(engine=model.engine, max_new_tokens=2)
    chain = make_chain(
        PassageRetriever(index=tiny_lab.knowledge_base.index, settings=Settings(read=1)),
        listening,
        "Be brief.",
    )
    chain.invoke("When does the {workshop} close?")
    assert [message.type for message in seen] == ["system", "human"]
    assert "17:20" in seen[1].text and "31 days" not in seen[1].text
    assert seen[1].text.endswith("Based on the text above, When does the {workshop} close?")


def test_passages_without_room_are_dropped_the_last_first(tiny_lab, handbook, model):
    tiny_lab.knowledge_base.add(handbook)
    tiny_lab.knowledge_base.add_bytes(b"The workshop is in Hull.", "place.txt")
    settings = Settings(read=3, retrieved=3, min_score=-1.0)
    retriever = PassageRetriever(index=tiny_lab.knowledge_base.index, settings=settings)
    best = retriever.invoke("Where is the workshop?")

    def room_for_two(said):
        return len(said[-1]["content"]) < len("".join(source.page_content for source in best))

    chain = make_chain(retriever, model, "", "Read: {passages} Then say: {question}", room_for_two)
    first = next(chain.stream("Where is the workshop?"))
    assert [source.metadata["read"] for source in first["sources"]] == [True, True, False]
    assert [source.metadata["dropped"] for source in first["sources"]] == [False, False, True]
    (said,) = first["prompt"]
    two = f"{best[0].page_content}\n\n{best[1].page_content}"
    assert said == {"role": "user", "content": f"Read: {two} Then say: Where is the workshop?"}


def test_nothing_similar_means_i_dont_know(tiny_lab, handbook, model):
    tiny_lab.knowledge_base.add(handbook)
    retriever = PassageRetriever(
        index=tiny_lab.knowledge_base.index, settings=Settings(min_score=0.99)
    )
    result = make_chain(retriever, model).invoke("Who won the cup?")
    assert result["answer"].text == NOT_IN_DOCUMENTS
    assert len(result["sources"]) == 2


@pytest.mark.parametrize("declined", [True, False])
def test_what_the_verifier_finds_unanswered_is_declined(tiny_lab, handbook, model, declined):
    tiny_lab.knowledge_base.add(handbook)
    retriever = PassageRetriever(
        index=tiny_lab.knowledge_base.index,
        settings=Settings(read=2, min_score=-1.0),
        threshold=float("inf") if declined else float("-inf"),
    )
    result = make_chain(retriever, model).invoke("When does the workshop close?")
    about = [source.metadata for source in result["sources"]]
    assert [one["read"] for one in about] == [not declined] * 2
    assert about[0]["holds"] > about[1]["holds"] and about[0]["times_ms"]["verify"] > 0
    assert (result["answer"].text == NOT_ANSWERED) == declined
    assert bool(result["prompt"]) != declined


@pytest.mark.parametrize(("once", "searches"), [(True, 1), (False, 4)])
def test_columns_asked_together_search_once(tiny_lab, handbook, once, searches):
    tiny_lab.knowledge_base.add(handbook)
    index, asked = tiny_lab.knowledge_base.index, []

    class Slow:
        def __getattr__(self, name):
            return getattr(index, name)

        def refresh(self):
            asked.append(time.sleep(0.05))
            return index.refresh()

    retriever = PassageRetriever(index=Slow(), settings=Settings(), once=once)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(retriever.invoke, ["When does it close?"] * 4))
    assert len(asked) == searches
    texts = [[source.page_content for source in sources] for sources in found]
    assert texts[0] and all(text == texts[0] for text in texts)
    retriever.invoke("What does a kite cost?")
    assert len(asked) == searches + 1


def test_the_chat_model_counts_tokens(model):
    whole = model.invoke([HumanMessage("Hello")])
    assert whole.usage_metadata["output_tokens"] == 5
    assert whole.usage_metadata["input_tokens"] > 5
    streamed = list(model.stream([HumanMessage("Hello")]))
    assert "".join(chunk.text for chunk in streamed) == whole.text
    assert (
        sum(chunk.usage_metadata["output_tokens"] for chunk in streamed if chunk.usage_metadata)
        == 5
    )


def test_a_stop_word_is_refused(model):
    with pytest.raises(ValueError, match="stop by themselves"):
        model.invoke("Hello", stop=["x"])
