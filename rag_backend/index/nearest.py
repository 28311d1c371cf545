"""The passages nearest to a question: by exact search while that is fast, then in cells.

Up to `EXACT_UP_TO` passages every vector is compared. Beyond, vectors are kept in 8 bits, in
cells around centres that k-means found, and only the cells nearest to the question are read:
as many as it takes to find `RECALL` of what the exact search finds, measured on the passages
themselves, blurred until they are as unlike a passage as a question is. The best are then
compared exactly, with the vectors in the database.

Source: Jégou, Douze and Schmid 2011, "Product Quantization for Nearest Neighbor Search" (the
inverted file); Douze et al. 2024, arXiv 2401.08281 (FAISS).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag_backend.documents import Progress
from workbench.files import read_json, sha256, sync_folder, write_json
from workbench.minilm import DIMENSIONS

EXACT_UP_TO = 50_000
"""Passages; on two cores the exact search then takes about 5 ms."""
RECALL = 0.99
"""What cells are to find of the exact search's first ten."""
_LIKENESS = 0.5
"""The cosine of a passage and its blurred self; that of a question and its passage is about this.
Of 300 SQuAD questions over 200,000 vectors, as many probes found .986 as found .994 of these."""
_TRAINED_ON = 64  # vectors for each cell
_PROBES = (4, 8, 16, 32, 64, 128, 256)
_ASKED = 200
_FIRST = 10
_WIDER = 4
"""Eight bits blur the order a little: so many times more are taken, and ordered exactly."""
_OUTGROWN = 3.0
_UNSAVED = 0.05
_LEFT_SECONDS = 3600.0
"""Nobody writes an index for longer: a part that is older was left by a kill."""

Vectors = Iterator[tuple[Any, Any]]
"""Batches of ids, int64 of shape (n,), and their vectors, float32 of shape (n, DIMENSIONS)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How an index searches, and what that costs."""

    kind: str
    """"exact" or "cells"."""
    passages: int
    cells: int = 0
    probes: int = 0
    """Cells that are read for a question."""
    recall: float = 1.0
    """Share of the exact search's first ten that it finds, measured on blurred passages."""
    build_seconds: float = 0.0


class Nearest:
    """An index over vectors; not safe to change while it searches."""

    def __init__(self, index: Any, shape: Shape) -> None:
        self.faiss = index
        self.shape = shape
        self._unsaved = 0  # additions; removals are saved at once, so that nothing is left of them
        self._removed = False

    def __len__(self) -> int:
        return int(self.faiss.ntotal)

    def suits(self, count: int) -> bool:
        """Whether so many passages are what it was made for."""
        if self.shape.kind == "exact":
            return count <= EXACT_UP_TO
        return EXACT_UP_TO / 2 < count < _OUTGROWN * self.shape.passages

    def ids(self) -> Any:
        """Return the ids that it holds, int64, in no order."""
        faiss = _faiss()
        if self.shape.kind == "exact":
            return faiss.vector_to_array(self.faiss.id_map)
        lists = self.faiss.invlists
        held = [
            faiss.rev_swig_ptr(lists.get_ids(cell), lists.list_size(cell)).copy()
            for cell in range(lists.nlist)
            if lists.list_size(cell)
        ]
        return np.concatenate(held) if held else np.empty(0, dtype=np.int64)

    def add(self, ids: Any, vectors: Any) -> None:
        """Add vectors, float32 of shape (n, DIMENSIONS) and unit length, under new ids."""
        self.faiss.add_with_ids(vectors, ids)
        self._unsaved += len(ids)

    def remove(self, ids: Any) -> None:
        """Remove the vectors of ids, int64."""
        self.faiss.remove_ids(ids)
        self._removed = True

    def search(self, vector: Any, k: int, among: Sequence[int] | None = None) -> list[int]:
        """Return the ids of about the k nearest, and some more where their order is not exact.

        Args:
            vector: (DIMENSIONS,), float32 of unit length.
            k: at least 1.
            among: only these ids; by default all.
        """
        faiss = _faiss()
        wanted = k * (_WIDER if self.shape.kind == "cells" else 1)
        options = {}
        if among is not None:
            chosen = faiss.IDSelectorBatch(np.array(among, dtype=np.int64))
            # Where few may be found, the cells near the question may hold none of them.
            options = {
                "params": faiss.SearchParametersIVF(sel=chosen, nprobe=self.shape.cells)
                if self.shape.kind == "cells"
                else faiss.SearchParameters(sel=chosen)
            }
        _, found = self.faiss.search(vector[None], min(wanted, max(1, len(self))), **options)
        return [int(number) for number in found[0] if number >= 0]

    def neighbours(self, vectors: Any, k: int) -> Iterator[tuple[list[float], list[int]]]:
        """Yield for each of several vectors the k nearest: their scores and ids, best first."""
        scores, ids = self.faiss.search(vectors, min(k, len(self)))
        for row, found in zip(scores.tolist(), ids.tolist(), strict=True):
            held = [place for place, number in enumerate(found) if number >= 0]
            yield [row[place] for place in held], [found[place] for place in held]

    def save_changes(self, folder: Path) -> None:
        """Bring what is saved up to date, where making it up at the next start would take long."""
        if self.shape.kind == "exact":
            for file in folder.glob("*"):  # of a time when there were more passages
                file.unlink(missing_ok=True)
        elif self._removed or self._unsaved > _UNSAVED * len(self):
            self.save(folder)
        self._removed = False

    def save(self, folder: Path) -> None:
        """Write it, with a checksum; a kill leaves the old one, or none."""
        faiss = _faiss()
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".cells.*.partial"):  # by a process that was killed meanwhile
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                    left.unlink()
        file = folder / "cells.faiss"
        partial = folder / f".cells.{os.getpid()}.partial"
        faiss.write_index(self.faiss, str(partial))
        digest = sha256(partial)
        partial.replace(file)
        sync_folder(folder)
        saved = {name: getattr(self.shape, name) for name in Shape.__slots__}
        write_json(folder / "cells.json", {"sha256": digest, "shape": saved})
        self._unsaved = 0


def exact() -> Nearest:
    """Return an empty index that compares every vector."""
    faiss = _faiss()
    return Nearest(faiss.IndexIDMap2(faiss.IndexFlatIP(DIMENSIONS)), Shape("exact", 0))


def load(folder: Path) -> Nearest | None:
    """Return the index that was saved; None where there is none, or it is damaged."""
    faiss = _faiss()
    file, about = folder / "cells.faiss", folder / "cells.json"
    if not (file.exists() and about.exists()):
        return None
    saved = read_json(about)
    if saved["sha256"] != sha256(file):
        return None
    index = faiss.read_index(str(file))
    shape = Shape(**saved["shape"])
    index.nprobe = shape.probes
    return Nearest(index, shape)


def build(count: int, vectors: Callable[[], Vectors], tell: Progress) -> Nearest:
    """Build an index of cells.

    Args:
        count: of passages.
        vectors: gives all of them, each time anew.
        tell: see `Progress`.
    """
    faiss = _faiss()
    started = time.perf_counter()
    cells = round(4 * count**0.5)
    draw = np.random.default_rng(0)
    chance = min(1.0, cells * _TRAINED_ON / count)
    tell(f"Indexing {count:,} passages: choosing cells", 0.0)
    kept = [part[draw.random(len(part)) < chance] for _, part in vectors()]
    sample = np.concatenate(kept)
    index = faiss.index_factory(DIMENSIONS, f"IVF{cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False
    index.cp.niter = 8
    index.train(sample)
    asked = _blurred(sample[draw.permutation(len(sample))[:_ASKED]], draw)
    best = _Best(asked)
    done = 0
    for ids, part in vectors():
        index.add_with_ids(part, ids)
        best.see(ids, part)
        done += len(ids)
        tell(f"Indexing {count:,} passages: filling {cells:,} cells", 0.3 + 0.6 * done / count)
    recall = 0.0
    for probes in _PROBES:
        index.nprobe = probes
        _, found = index.search(asked, _FIRST * _WIDER)
        recall = best.share_in(found)
        if recall >= RECALL:
            break
    seconds = time.perf_counter() - started
    return Nearest(index, Shape("cells", count, cells, index.nprobe, recall, seconds))


def _blurred(vectors: Any, draw: np.random.Generator) -> Any:
    """Return vectors turned away into random directions, to a cosine of `_LIKENESS`."""
    away = draw.normal(size=vectors.shape)
    away -= (away * vectors).sum(axis=1, keepdims=True) * vectors
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return (_LIKENESS * vectors + (1 - _LIKENESS**2) ** 0.5 * away).astype(np.float32)


def _faiss() -> Any:
    """Return the library, whose own types don't know all that it takes."""
    import faiss

    return faiss


class _Best:
    """The exact search's first ten for some vectors, over batches."""

    def __init__(self, asked: Any) -> None:
        self._asked = asked
        self._scores = np.full((len(asked), _FIRST), -np.inf, dtype=np.float32)
        self._ids = np.full((len(asked), _FIRST), -1, dtype=np.int64)

    def see(self, ids: Any, vectors: Any) -> None:
        """Take another batch into account."""
        scores = np.concatenate([self._scores, self._asked @ vectors.T], axis=1)
        all_ids = np.concatenate([self._ids, np.broadcast_to(ids, (len(scores), len(ids)))], axis=1)
        best = np.argpartition(-scores, _FIRST - 1, axis=1)[:, :_FIRST]
        self._scores = np.take_along_axis(scores, best, axis=1)
        self._ids = np.take_along_axis(all_ids, best, axis=1)

    def share_in(self, found: Any) -> float:
        """Return the mean share of them that was found, ids of shape (asked, any)."""
        shares = [np.isin(best, row).mean() for best, row in zip(self._ids, found, strict=True)]
        return float(np.mean(shares))
