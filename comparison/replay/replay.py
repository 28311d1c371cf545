"""Replay a bundle: ask everything again, and say which answers differ and what else does."""

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.evaluate import Examiner
from comparison.evaluation.conditions import changed, conditions
from comparison.evaluation.kept import asked_questions
from comparison.evaluation.rows import read_rows
from comparison.lab import Lab
from comparison.replay.scratch import scratch_lab
from comparison.replay.unpack import Bundle, unpack
from comparison.scoring import Row
from rag_backend.documents import Progress, unheard
from workbench.machine import machine

_COMPARED = {"text": ("answer",), "sources": ("sources", "retrieved"), "refused": ("refused",)}
"""What is compared, and the parts of a row that it is in."""
_UNPACKED, _INDEXED = 0.02, 0.2
"""How far of the whole it is then, for the progress that is shown."""
_LONGEST_SAID = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that is another one now."""

    number: int
    """Of the question, from 0."""
    column: str
    question: str
    differs: tuple[str, ...]
    """Some of "text", "sources" and "refused"."""
    was: str
    """The answer; where that is the same, what was found for it, as JSON."""
    now: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of asking everything again."""

    evaluation: str
    answers: int
    """How many were asked for again."""
    differences: tuple[Difference, ...]
    conditions: tuple[str, ...]
    """What else is not as it was, in sentences: versions, engine, precision, machine."""

    @property
    def equal(self) -> int:
        """How many answers are the same, to the letter."""
        return self.answers - len(self.differences)

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        if not self.differences:
            return f"All {self.answers:,} answers are the same, with their sources."
        return f"{self.equal:,} of {self.answers:,} answers are the same, with their sources."


def replay(lab: Lab, file: Path, progress: Progress = unheard) -> Replayed:
    """Ask every question of a bundle again, in every column, and compare the answers.

    It happens in a folder of its own that is gone afterwards, however it ends.

    Args:
        lab: the person's own, of which the model is taken and which stays as it is.
        file: what `comparison.replay.bundle` wrote.
        progress: see `Progress`; the message says how much time is left.

    Raises:
        RagtuneError: the bundle can't be used, or its model isn't on this machine.
    """
    with tempfile.TemporaryDirectory(prefix="ragtune-replay-") as name:
        folder = Path(name)
        bundle = unpack(file, folder / "bundle", _part(progress, 0.0, _UNPACKED))
        indexing = _part(progress, _UNPACKED, _INDEXED)
        with scratch_lab(lab, bundle, folder / "home", indexing) as scratch:
            progress("Loading the language model", _INDEXED)
            rows = read_rows(bundle.folder)
            differing = _differing_conditions(scratch, bundle)
            again = _ask(scratch, bundle, rows, _part(progress, _INDEXED, 1.0))
    precision = dict.fromkeys(
        _said("the precision", was["fingerprint"].get("precision"), now["fingerprint"]["precision"])
        for was, now in zip(rows, again, strict=True)
        if was["fingerprint"].get("precision") != now["fingerprint"]["precision"]
    )
    return Replayed(
        bundle.evaluation.name,
        len(rows),
        tuple(
            Difference(was["number"], was["column"], was["question"], differs, *_shown(was, now))
            for was, now in zip(rows, again, strict=True)
            if (differs := _differing(was, now))
        ),
        (*differing, *precision),
    )


def as_json(replayed: Replayed) -> dict[str, Any]:
    """Return what `ragtune replay --json` prints."""
    return {
        "evaluation": replayed.evaluation,
        "answers": replayed.answers,
        "equal": replayed.equal,
        "replay_equal": replayed.equal / replayed.answers,
        "differences": [dataclasses.asdict(one) for one in replayed.differences],
        "conditions": list(replayed.conditions),
    }


def _ask(lab: Lab, bundle: Bundle, rows: Sequence[Row], progress: Progress) -> list[Row]:
    """Return a new row for each row."""
    questions = asked_questions(bundle.evaluation)
    columns = {column.label: column for column in bundle.evaluation.columns}
    examiner = Examiner(lab, bundle.evaluation.columns)
    again = list[Row]()
    for row in rows:
        said = f"Answer {len(again) + 1:,} of {len(rows):,}, {row['column']}"
        progress(said, len(again) / len(rows))
        again.append(examiner.row(questions[row["number"]], columns[row["column"]]))
    return again


def _differing(was: Row, now: Row) -> tuple[str, ...]:
    return tuple(
        what for what, parts in _COMPARED.items() if any(was[part] != now[part] for part in parts)
    )


def _shown(was: Row, now: Row) -> tuple[str, str]:
    """Return the first of the parts that differ, as texts."""
    parts = [part for kinds in _COMPARED.values() for part in kinds]
    part = next(part for part in parts if was[part] != now[part])
    first, second = (
        row[part] if part == "answer" else json.dumps(row[part], ensure_ascii=False)
        for row in (was, now)
    )
    return first, second


def _differing_conditions(lab: Lab, bundle: Bundle) -> list[str]:
    """Say which conditions are not those of the bundle, though the model is."""
    evaluation = bundle.evaluation
    before, now = evaluation.conditions, conditions(lab, evaluation.columns)
    names = [name for name in changed(before, now) if name != "the model"]
    said = [_said(name, before.get(name), now.get(name)) for name in names]
    return said + _differing_versions(evaluation.machine, machine())


def _differing_versions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if not before:
        return ["With which versions the answers were made is not noted."]
    differing = [name for name in now if before.get(name) != now[name]]
    return [_said(name, before.get(name), now[name]) for name in differing]


def _said(name: str, before: Any, now: Any) -> str:
    said = f"{name} was {before}, and is {now} here."
    if max(len(str(before)), len(str(now))) > _LONGEST_SAID:
        said = f"{name} differs."
    return "".join(c for c in said if c.isprintable())  # a bundle may come from anybody


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Return the progress of a part of the work."""
    return lambda message, share: progress(message, begin + (end - begin) * share)
