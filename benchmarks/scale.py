"""How the search holds up as a knowledge base grows: ``python -m benchmarks.scale``.

About twelve minutes on two cores, and 4 GB of disk. The questions are SQuAD's. Ten thousand
passages are real: those of SQuAD's paragraphs and of the descriptions and docstrings of the
Python packages that are installed. Larger ones are made from their vectors: each lies between
a real one and one of its neighbours, a little aside. Everything else is Ragtune as it is: the
database, the index that it chooses, and the exact order of what was found.
"""

import ast
import importlib.metadata
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison.lab import open_lab
from rag_backend.embeddings import MiniLmEmbeddings
from rag_backend.index.passage_index import floats
from workbench.storage import Database, DocumentRow, PassageRow

SIZES = (10_000, 100_000, 1_000_000)
QUESTIONS = 300
FIRST = 10
_BATCH = 20_000
_WORDS = 70
_ASIDE = 0.03


def main() -> None:
    """Measure every size, and print the report."""
    if sys.argv[1:2] == ["--search"]:
        print(json.dumps(search(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    embeddings = MiniLmEmbeddings()
    asked = list(dict.fromkeys(one.question for one in all_asked()))
    questions = embeddings.embed(random.Random(0).sample(asked, QUESTIONS))
    started = time.perf_counter()
    texts = list(dict.fromkeys(real_texts()))[: SIZES[0]]
    vectors = embeddings.embed(texts)
    tell(f"{len(texts)} real passages, {len(texts) / (time.perf_counter() - started):.0f} a second")
    measured = [at_size(size, vectors, questions) for size in SIZES]
    for one in measured:
        tell(json.dumps(one))
    largest = measured[-1]
    sizes = {"sizes": measured}
    print_report(
        "scale",
        [
            {**figure("search_p50_ms", largest["p50_ms"], "ms", "lower", 10), **sizes},
            figure("search_recall_at_10", largest["recall_at_10"], "share", "higher", 0.95),
            figure("index_gb", largest["memory_gb"], "GB", "lower", 2),
        ],
    )


def at_size(size: int, real: Any, questions: Any) -> dict[str, Any]:
    """Fill a home with so many passages, and measure the search in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home, asked = Path(folder) / "home", Path(folder) / "questions.npy"
        np.save(asked, questions, allow_pickle=False)
        lab = open_lab(home)
        vectors = np.concatenate(list(grown(size, real)))
        started = time.perf_counter()
        fill(lab.database, vectors)
        tell(f"{size:,} passages stored in {time.perf_counter() - started:.0f} s")
        vectors = vectors.astype(np.float16).astype(np.float32)  # as they are kept
        best = [np.argpartition(-(vectors @ one), FIRST)[:FIRST] + 1 for one in questions]
        del vectors
        started = time.perf_counter()
        shape = lab.knowledge_base.index.shape()
        built = time.perf_counter() - started
        lab.database.close()
        command = [sys.executable, "-m", "benchmarks.scale", "--search", str(home), str(asked)]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    shares = [np.isin(row, one).mean() for row, one in zip(best, found["ids"], strict=True)]
    return {
        "passages": size,
        "kind": shape.kind,
        "cells": shape.cells,
        "probes": shape.probes,
        "recall_on_its_passages": round(shape.recall, 4),
        "recall_at_10": float(np.mean(shares)),
        "p50_ms": median(found["ms"]),
        "p95_ms": float(np.percentile(found["ms"], 95)),
        "build_seconds": built,
        "load_seconds": found["load_seconds"],
        "memory_gb": found["memory_gb"],
    }


def search(home: Path, asked: Path) -> dict[str, Any]:
    """Search for every question alone; memory is what the loaded index adds to the process."""
    import psutil

    lab = open_lab(home)
    questions = np.load(asked, allow_pickle=False)
    with lab.database.session() as session:
        floats(session.scalars(sa.select(PassageRow.vector).limit(1)).one())
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    lab.knowledge_base.index.refresh()
    load_seconds = time.perf_counter() - started
    ids, milliseconds = [], []
    for question in questions:
        started = time.perf_counter()
        found = lab.knowledge_base.index.nearest(question, FIRST)
        milliseconds.append((time.perf_counter() - started) * 1000)
        ids.append([number for number, _ in found])
    memory = (psutil.Process().memory_info().rss - before) / 1e9
    lab.database.close()
    return {
        "ids": ids,
        "ms": milliseconds[len(milliseconds) // 10 :],
        "load_seconds": load_seconds,
        "memory_gb": memory,
    }


def real_texts() -> Iterator[str]:
    """Yield real passages of about a hundred tokens."""
    for paragraph in dict.fromkeys(one.paragraph for one in all_asked()):
        yield from _in_parts(paragraph)
    for package in sorted(importlib.metadata.distributions(), key=lambda d: d.name):
        yield from _in_parts(str(package.metadata.json.get("description", "")))
        for file in package.files or []:
            if file.suffix == ".py" and "test" not in str(file):
                yield from _docstrings(Path(str(file.locate())))


def _docstrings(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield from _in_parts(ast.get_docstring(node) or "")


def _in_parts(text: str) -> Iterator[str]:
    words = text.split()
    for start in range(0, len(words) - _WORDS // 2, _WORDS):
        yield " ".join(words[start : start + _WORDS])


def grown(size: int, real: Any) -> Iterator[Any]:
    """Yield vectors in batches: the real ones, then ones between them and their neighbours."""
    draw = np.random.default_rng(0)
    yield real[:size]
    near = np.concatenate(
        [np.argsort(-(part @ real.T), axis=1)[:, 1:9] for part in np.array_split(real, 20)]
    )
    for start in range(len(real), size, _BATCH):
        count = min(_BATCH, size - start)
        first = draw.integers(len(real), size=count)
        second = near[first, draw.integers(near.shape[1], size=count)]
        share = draw.uniform(0.2, 0.8, size=(count, 1)).astype(np.float32)
        made = share * real[first] + (1 - share) * real[second]
        made += _ASIDE * draw.normal(size=made.shape).astype(np.float32)
        yield made / np.linalg.norm(made, axis=1, keepdims=True)


def fill(database: Database, vectors: Any) -> None:
    """Add passages with these vectors, as one document, numbered from 1."""
    with database.session() as session:
        session.add(
            DocumentRow(
                name="large.txt",
                sha256="",
                size_bytes=0,
                pages=None,
                blocks=[],
                passage_tokens=90,
                overlap_tokens=24,
            )
        )
        session.flush()
        for start in range(0, len(vectors), _BATCH):
            rows = [
                {
                    "document_id": 1,
                    "ordinal": number,
                    "text": f"Passage {number}.",
                    "headings": [],
                    "start": 0,
                    "end": 0,
                    "vector": vector.tobytes(),
                }
                for number, vector in enumerate(
                    vectors[start : start + _BATCH].astype(np.float16), start
                )
            ]
            session.execute(sa.insert(PassageRow), rows)


if __name__ == "__main__":
    main()
