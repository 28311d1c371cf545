"""The index of vectors: exact or in cells, up to date, and never half on the disk."""

import os

import numpy as np
import pytest
import sqlalchemy as sa

from rag_backend.index import nearest
from workbench.minilm import DIMENSIONS
from workbench.storage import DocumentRow, PassageRow


def unit(count, seed=0):
    """Return vectors in a hundred clumps, as those of texts are."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(100, DIMENSIONS))
    vectors = centres[draw.integers(100, size=count)] + 0.7 * draw.normal(size=(count, DIMENSIONS))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def in_batches(ids, vectors, size=700):
    return lambda: (
        (ids[start : start + size], vectors[start : start + size])
        for start in range(0, len(ids), size)
    )


def built(count=4000):
    ids, vectors = np.arange(1, count + 1) * 3, unit(count)
    return nearest.build(count, in_batches(ids, vectors), lambda *_: None), ids, vectors


def test_cells_find_what_the_exact_search_finds():
    index, ids, vectors = built()
    assert index.shape.kind == "cells" and index.shape.recall > 0.9
    assert len(index) == 4000 and sorted(index.ids()) == ids.tolist()
    asked = unit(50, seed=1)
    found = []
    for one in asked:
        best = set(ids[np.argsort(-(vectors @ one))[:10]].tolist())
        found.append(len(best & set(index.search(one, 10))) / 10)
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("kind", ["exact", "cells"])
def test_an_index_follows_changes(kind):
    index, ids, vectors = built(2000)
    if kind == "exact":
        index = nearest.exact()
        index.add(ids, vectors)
    fresh = unit(3, seed=5)
    index.add(np.array([9001, 9002, 9003]), fresh)
    assert index.search(fresh[1], 1)[0] == 9002
    index.remove(np.array([9002]))
    assert 9002 not in index.search(fresh[1], 5) and len(index) == 2002
    assert set(index.search(fresh[1], 5, among=[9001, 3, 6])) == {9001, 3, 6}


def test_what_a_kill_left_behind_goes(tmp_path):
    index, _, _ = built(2000)
    left, written = tmp_path / ".cells.1.partial", tmp_path / ".cells.2.partial"
    for file in (left, written):
        file.write_bytes(b"half")
    os.utime(left, (0, 0))
    index.save(tmp_path)
    assert not left.exists() and written.exists()


def test_a_saved_index_is_read_again_and_a_damaged_one_is_not(tmp_path):
    index, _, vectors = built(2000)
    index.save(tmp_path)
    again = nearest.load(tmp_path)
    assert again.shape == index.shape and again.search(vectors[5], 5) == index.search(vectors[5], 5)
    file = tmp_path / "cells.faiss"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert nearest.load(tmp_path) is None
    file.unlink()
    assert nearest.load(tmp_path) is None


def put(lab, vectors, name):
    """Add passages whose text does not matter."""
    with lab.database.session() as session:
        row = DocumentRow(
            name=name, sha256=name, size_bytes=1, pages=None, blocks=[], passage_tokens=90,
            overlap_tokens=24,
        )  # fmt: skip
        session.add(row)
        session.flush()
        rows = [
            {
                "document_id": row.id,
                "ordinal": number,
                "text": f"{name} {number}",
                "headings": [],
                "start": 0,
                "end": 1,
                "vector": vector.astype(np.float16).tobytes(),
            }
            for number, vector in enumerate(vectors)
        ]
        session.execute(sa.insert(PassageRow), rows)


def test_a_large_knowledge_base_gets_cells_and_a_small_one_none(tiny_lab, monkeypatch):
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 1000)
    index = tiny_lab.knowledge_base.index
    vectors = unit(2000)
    put(tiny_lab, vectors[:400], "a")
    assert index.shape().kind == "exact"
    put(tiny_lab, vectors[400:], "b")
    assert index.shape().kind == "cells" and index.shape().passages == 2000
    file = tiny_lab.home.index / "cells.faiss"
    built_at = file.stat().st_mtime_ns
    # Another process reads it, and adds what is new.
    put(tiny_lab, unit(20, seed=3), "c")
    other = type(index)(tiny_lab.home, tiny_lab.database)
    assert other.shape() == index.shape() and len(other.refresh()) == 2020
    assert file.stat().st_mtime_ns == built_at
    asked = unit(20, seed=3)[4]
    (number, score), *_ = other.nearest(asked, 3)
    assert score > 0.99 and other.passages([number])[number].metadata["text"] == "c 4"
    # What is removed is gone from the disk too, and a small base is searched exactly.
    tiny_lab.knowledge_base.remove("c")
    assert len(other.refresh()) == 2000 and file.stat().st_mtime_ns != built_at
    tiny_lab.knowledge_base.remove("b")
    assert other.shape().kind == "exact" and len(other.refresh()) == 400
    assert not list(tiny_lab.home.index.iterdir())


def test_langchains_store_stands_on_the_same_index(tiny_lab, handbook):
    tiny_lab.knowledge_base.add(handbook)
    store = tiny_lab.knowledge_base.index.store()
    best = store.as_retriever(search_kwargs={"k": 1}).invoke("When does the workshop close?")
    assert [one.metadata["headings"] for one in best] == [("Workshop",)]
