"""The vector store: LangChain's FAISS, behind one door.

``FAISS.load_local`` would unpickle, so the store is never saved: it is made from the
database's passages and the vectors beside it, which takes milliseconds.
"""

import warnings
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

if TYPE_CHECKING:
    from langchain_community.vectorstores import FAISS


def make_store(
    embeddings: Embeddings, texts: list[str], metadatas: list[dict[str, Any]], vectors: Any
) -> "FAISS":
    """Return an exact inner-product store.

    Args:
        embeddings: embeds the questions.
        texts: the passages.
        metadatas: one mapping for each passage.
        vectors: float32 array of shape (len(texts), dimensions), rows of unit length.
    """
    import faiss

    with warnings.catch_warnings():
        # The package announces its retirement on import; see design: one module each.
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community.docstore.in_memory import InMemoryDocstore
        from langchain_community.vectorstores import FAISS
        from langchain_community.vectorstores.utils import DistanceStrategy

    store = FAISS(
        embedding_function=embeddings,
        index=faiss.IndexFlatIP(vectors.shape[1]),
        docstore=InMemoryDocstore(),
        index_to_docstore_id={},
        distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
    )
    if texts:
        store.add_embeddings(
            zip(texts, vectors, strict=True),
            metadatas=metadatas,
            ids=[str(number) for number in range(len(texts))],
        )
    return store
