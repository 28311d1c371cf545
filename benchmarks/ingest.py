"""How fast documents become searchable: ``python -m benchmarks.ingest``.

About four minutes on two cores. The peer is LangChain's ``FAISS.from_documents`` over
sentence-transformers as it comes, given the passages that Ragtune makes of the same texts;
Ragtune also reads and splits them, indexes their words, and keeps everything on the disk.
"""

import tempfile
import time
import warnings
from collections import defaultdict
from statistics import median

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison.lab import open_lab
from workbench.minilm import packaged_model

RUNS = 5


def main() -> None:
    """Measure by turns, and print the report."""
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for one in all_asked():
        titles[one.title][one.paragraph] = None
    texts = {f"{title}.txt": "\n\n".join(paragraphs) for title, paragraphs in titles.items()}
    passages: list[str] = []
    ours, theirs = [], []
    for _ in range(RUNS):
        seconds, passages = with_ragtune(texts)
        ours.append(len(passages) / seconds)
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
            }
        ],
    )


def with_ragtune(texts: dict[str, str]) -> tuple[float, list[str]]:
    """Return the seconds until the texts can be searched, and their passages."""
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        lab.knowledge_base.index.embeddings()  # loading is not part of it, there as here
        started = time.perf_counter()
        for name, text in texts.items():
            lab.knowledge_base.add_bytes(text.encode(), name)
        index = lab.knowledge_base.index
        ids = index.refresh().ids().tolist()
        seconds = time.perf_counter() - started
        made = [passage.page_content for passage in index.passages(ids).values()]
        lab.database.close()
    return seconds, made


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
