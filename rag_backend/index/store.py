"""The vector store: LangChain's FAISS, behind one door.

``FAISS.load_local`` would unpickle, so the store is never saved: it stands on the index and the
database, and holds no text itself.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

if TYPE_CHECKING:
    from langchain_community.vectorstores import FAISS

Fetch = Callable[[Sequence[int]], dict[int, Document]]
"""Returns passages by their ids."""


def make_store(embeddings: Embeddings, index: Any, fetch: Fetch) -> "FAISS":
    """Return a store to search in, by inner product; documents are added elsewhere.

    Args:
        embeddings: embeds the questions.
        index: FAISS's, with the passages' ids.
        fetch: gives the passages.
    """
    with warnings.catch_warnings():
        # The package announces its retirement on import; see design: one module each.
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community.docstore.base import Docstore
        from langchain_community.vectorstores import FAISS
        from langchain_community.vectorstores.utils import DistanceStrategy

    class Passages(Docstore):  # type: ignore[misc]  # it has no types
        """Reads passages where they are kept."""

        def search(self, search: str) -> Document | str:
            """Return a passage; as LangChain wants it, a sentence where there is none."""
            found = fetch([int(search)])
            return found.get(int(search), f"There is no passage {search}.")

    return FAISS(
        embedding_function=embeddings,
        index=index,
        docstore=Passages(),
        index_to_docstore_id=_SameNames(),
        distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
    )


class _SameNames(dict[int, str]):
    """The store's names of passages: the index has their ids already."""

    def __missing__(self, number: int) -> str:
        return str(number)
