"""Kills at random moments of indexing: ``python -m benchmarks.kills [COUNT]``.

About fifteen minutes for 500 on two cores. A process adds, changes and removes documents of
several kinds, over and over, and is killed. After each kill the home is looked at by another
process's eyes: every document has all its passages, each with its words, its vector and its
place in the text; what was reported as done is there; searching finds it; and the line can be
worked through to its end.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from benchmarks.report import figure, print_report, tell
from comparison.lab import Lab, open_lab
from rag_backend.index.passage_index import as_passage, floats
from rag_backend.passages import embedding_text
from rag_backend.search.find import find
from workbench.files import sha256
from workbench.minilm import DIMENSIONS
from workbench.settings import Settings
from workbench.storage import DocumentRow, PassageRow

COUNT = 500
_LONGEST_SECONDS = 1.5
"""Of work, before a kill."""


def main() -> None:
    """Kill as often as wanted, and print the report."""
    if sys.argv[1:2] == ["--work"]:
        work(Path(sys.argv[2]), int(sys.argv[3]))
        return
    count = int(sys.argv[1]) if sys.argv[1:] else COUNT
    draw, broken, reported = random.Random(0), list[str](), 0
    with tempfile.TemporaryDirectory() as home:
        for number in range(count):
            done, begun = kill(Path(home), number, draw.uniform(0, _LONGEST_SECONDS))
            reported += len(done)
            lab = open_lab(home)
            trouble = look(lab, done, begun)
            lab.database.close()
            if trouble:
                broken.append(f"kill {number}: {trouble}")
                tell(broken[-1])
            if number % 25 == 24:
                tell(f"{number + 1} kills, {reported} changes reported, {len(broken)} broken")
    print_report(
        "kills",
        [
            {
                **figure("broken_after_kill", len(broken), "indexes", "lower", 0),
                "kills": count,
                "changes_reported": reported,
                "broken": broken,
            }
        ],
    )


Marks = dict[str, str | None]
"""What each document's text is to hold, by name; None where there is to be no document."""


def kill(home: Path, seed: int, seconds: float) -> tuple[Marks, Marks]:
    """Let a process work for a while and kill it.

    Returns:
        What it reported last of each name, and what it had begun and not reported yet.
    """
    command = [sys.executable, "-m", "benchmarks.kills", "--work", str(home), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it begins
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().splitlines(keepends=True)
    done, begun = Marks(), Marks()
    for line in lines:
        if line.endswith("\n"):
            state, name, mark = line.split()
            told = done if state == "done" else begun
            begun.clear()  # one after the other
            told[name] = None if mark == "-" else mark
    return done, begun


def work(home: Path, seed: int) -> None:
    """Change documents until the end, reporting every change once it was made."""
    lab, draw = open_lab(home), random.Random(seed)
    base = lab.knowledge_base
    base.index.embeddings().embed(["Loaded."])
    print("loaded", flush=True)
    base.work()
    while True:
        name = f"{draw.randrange(6)}.{draw.choice(('md', 'csv', 'txt'))}"
        if draw.random() < 0.2 and base.find(name):
            print("begun", name, "-", flush=True)
            base.remove(name)
            print("done", name, "-", flush=True)
        else:
            mark = f"mark{draw.randrange(10**9)}"
            print("begun", name, mark, flush=True)
            base.add_bytes(_content(draw, name, mark), name)
            print("done", name, mark, flush=True)


def _content(draw: random.Random, name: str, mark: str) -> bytes:
    words = ("kite", "wind", "boat", "harbour", "rope", "sail", "anchor", "storm", "keel")
    lines = [
        f"The {draw.choice(words)} number {n} needs a {draw.choice(words)}."
        for n in range(draw.randrange(3, 80))
    ]
    place = draw.randrange(len(lines))
    lines[place] += f" Its sign is {mark}."
    if name.endswith(".csv"):
        return "\n".join(["number,what", *(f"{n},{line}" for n, line in enumerate(lines))]).encode()
    if name.endswith(".md"):
        lines = [f"# Part {n}\n\n{line}\n" for n, line in enumerate(lines)]
    return "\n".join(lines).encode()


def look(lab: Lab, done: Marks, begun: Marks) -> str:
    """Say what is wrong with a home, or nothing."""
    base = lab.knowledge_base
    base.work()  # what was begun is finished
    with lab.database.session() as session:
        if session.execute(sa.text("PRAGMA integrity_check")).scalar_one() != "ok":
            return "the database is damaged"
        session.execute(
            sa.text("INSERT INTO passage_words (passage_words) VALUES ('integrity-check')")
        )
        words: dict[int, str] = dict(
            session.execute(sa.text("SELECT rowid, words FROM passage_words")).all()
        )
        rows = session.execute(
            sa.select(DocumentRow, PassageRow)
            .join(PassageRow)
            .options(sa.orm.undefer(PassageRow.vector))
            .order_by(PassageRow.ordinal)
        ).all()
    if set(words) != {passage.id for _, passage in rows}:
        return "the words are not those of the passages"
    for document in base.documents():
        upload = lab.home.uploads / document.sha256
        if not upload.exists() or sha256(upload) != document.sha256:
            return f"the upload of {document.name} is not there"
        text, passages = base.text(document.name), base.passages(document.name)
        covered = "".join(text[passage.start : passage.end] for passage in passages)
        if len("".join(covered.split())) < len("".join(text.split())):
            return f"a passage of {document.name} is missing"
    for document_row, row in rows:
        passage = base.index.passages([row.id])[row.id]
        if words[row.id] != embedding_text(document_row.name, as_passage(row)).casefold():
            return f"the words of a passage of {document_row.name} are others"
        if floats(row.vector).shape != (DIMENSIONS,):
            return f"the vector of {passage.metadata['document']} is cut"
    for name, reported in done.items():
        there = base.text(name) if base.find(name) is not None else None
        held = [m for m in {reported, begun.get(name, reported)} if _is(there, m)]
        if not held:
            return f"the last change of {name} that was reported is lost"
        if sign := held[0]:
            by_words = Settings(search="words", reranker="")
            # The sign alone: a short passage with other words of a question may come before it.
            found = find(base.index, sign, by_words).sources
            if not found or sign not in found[0].text:
                return f"{name} is there but its words are not found"
    for _, row in rows[:: max(1, len(rows) // 20)]:
        if row.id not in dict(base.index.nearest(floats(row.vector), 3)):
            return f"passage {row.id} is there but not found by its vector"
    return ""


def _is(text: str | None, mark: str | None) -> bool:
    """Is this what a document's text is to be?"""
    return text is None if mark is None else text is not None and mark in text


if __name__ == "__main__":
    main()
