"""How fast documents become searchable, and again after a change: ``python -m benchmarks.ingest``.

About four minutes on two cores. The peer is LangChain's ``FAISS.from_documents`` over
sentence-transformers as it comes, given the passages that Ragtune makes of the same texts;
Ragtune also reads and splits them, indexes their words, and keeps everything on the disk.
"""

import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison.lab import open_lab
from rag_backend.knowledge_base import KnowledgeBase
from workbench.minilm import packaged_model

RUNS = 5


def main() -> None:
    """Measure by turns, and print the report."""
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for one in all_asked():
        titles[one.title][one.paragraph] = None
    texts = {f"{title}.txt": "\n\n".join(paragraphs) for title, paragraphs in titles.items()}
    passages: list[str] = []
    ours, theirs, changed = [], [], []
    for _ in range(RUNS):
        seconds, again, passages = with_ragtune(texts)
        ours.append(len(passages) / seconds)
        changed.append(again / seconds)
        theirs.append(len(passages) / with_langchain(passages))
        tell(f"{len(passages)} passages: {ours[-1]:.0f} a second beside {theirs[-1]:.0f}")
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print_report(
        "ingest",
        [
            {
                **figure(
                    "ingest_speedup",
                    median(ours) / median(theirs),
                    "x",
                    "higher",
                    3.0,
                    runs=ratios,
                    peer="FAISS.from_documents, sentence-transformers",
                ),
                "ours": ours,
                "theirs": theirs,
            },
            figure("reindex_ratio", median(changed), "share", "lower", 0.05, runs=changed),
        ],
    )


def with_ragtune(texts: dict[str, str]) -> tuple[float, float, list[str]]:
    """Return the seconds until the texts can be searched, and again after 1 % changed.

    The third value are their passages. What changed is one paragraph in a hundred, all over
    the corpus; every text that holds one is read and split anew.
    """
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        base = lab.knowledge_base
        base.index.embeddings()  # loading is not part of it, there as here
        seconds = _index(base, texts)
        ids = base.index.refresh().ids().tolist()
        made = [passage.page_content for passage in base.index.passages(ids).values()]
        again = _index(base, dict(_changed(texts)))
        lab.database.close()
    return seconds, again, made


def _index(base: KnowledgeBase, texts: dict[str, str]) -> float:
    """Index texts until they can be searched, and return the seconds."""
    started = time.perf_counter()
    for name, text in texts.items():
        base.incoming.put(name, text.encode())
    refused = [file.message for file in base.work() if not file.change]
    assert not refused, refused
    base.index.refresh()
    return time.perf_counter() - started


def _changed(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the texts with a word added in every hundredth paragraph of them all."""
    number = 0
    for name, text in texts.items():
        paragraphs = text.split("\n\n")
        for place, paragraph in enumerate(paragraphs):
            if number % 100 == 50:
                paragraphs[place] = f"Lately, {paragraph}"
            number += 1
        if (fresh := "\n\n".join(paragraphs)) != text:
            yield name, fresh


class SentenceTransformers(Embeddings):
    """As LangChain wraps it."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(
            str(packaged_model()), device="cpu", local_files_only=True
        )

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages."""
        made: list[list[float]] = self._model.encode(texts).tolist()
        return made

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        return self.embed_documents([text])[0]


def with_langchain(passages: list[str]) -> float:
    """Return the seconds until LangChain can search the passages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community.vectorstores import FAISS
    embeddings = SentenceTransformers()
    documents = [Document(page_content=passage) for passage in passages]
    started = time.perf_counter()
    FAISS.from_documents(documents, embeddings)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
