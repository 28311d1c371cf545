"""Where the answers of a report come from: settings, versions, machine, hashes, fine-tunes."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from comparison.evaluation.kept import Evaluation
from comparison.lab import Lab
from comparison.report.blocks import Block, Points, Section, Table
from finetune_backend.exports.base import public_name
from finetune_backend.runs import Run, list_runs
from finetune_backend.settings import TrainSettings
from workbench.files import sha256

_SETTING, _ADAPTER = "the setting ", "the adapter "
_UNKNOWN = "not known"
_MACHINE_UNITS = {"memory_gib": "memory, GiB"}


def runs_of(lab: Lab, evaluation: Evaluation) -> dict[str, Run]:
    """Return the fine-tunes that made the adapters, by name, where they are as they were."""
    hashes = {
        name.removeprefix(_ADAPTER): value
        for name, value in evaluation.conditions.items()
        if name.startswith(_ADAPTER)
    }
    there = {run.name: run for run in list_runs(lab.home)}
    return {
        name: there[name]
        for name, digest in sorted(hashes.items())
        if name in there and there[name].adapter_sha256 == digest
    }


def origin(lab: Lab, evaluation: Evaluation, runs: Mapping[str, Run]) -> Section:
    """Return settings, versions, machine and hashes.

    Args:
        lab: where documents and fine-tunes are.
        evaluation: what the report is about.
        runs: see `runs_of`.
    """
    made = evaluation.conditions
    settings = tuple(
        (name.removeprefix(_SETTING), _value(value))
        for name, value in made.items()
        if name.startswith(_SETTING) or name in ("the engine", "the calibration of declining")
    )
    blocks: list[Block] = [
        Table(("setting", "value"), settings, "Settings of the answers"),
        Table(("", ""), tuple(_machine(evaluation)), "Machine and versions"),
        Table(("what", "SHA-256"), tuple(_hashes(evaluation, runs)), "Hashes"),
    ]
    if "the documents" in made:
        blocks += _documents(lab, made["the documents"])
    if runs:
        blocks += _fine_tunes(runs)
    return Section("Settings, versions and hashes", tuple(blocks))


def model_of(conditions: Mapping[str, Any]) -> tuple[str, str]:
    """Return the model's name without the folders of this machine, and its SHA-256."""
    name, _, digest = str(conditions["the model"]).rpartition(" ")
    return public_name(name), digest


def _machine(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    if not evaluation.machine:
        yield "machine", "not noted"
    for name, value in evaluation.machine.items():
        yield _MACHINE_UNITS.get(name, name), _value(value)


def _hashes(evaluation: Evaluation, runs: Mapping[str, Run]) -> Iterator[tuple[str, str]]:
    name, digest = model_of(evaluation.conditions)
    yield f"the model {name}", digest
    yield f"the exam {evaluation.exam}", sha256(evaluation.folder / "exam.jsonl")
    yield "the answers (rows.jsonl)", sha256(evaluation.folder / "rows.jsonl")
    for what, value in evaluation.conditions.items():
        if what == "the documents" or what.startswith(_ADAPTER):
            yield what, _value(value)
    for run in runs.values():
        if run.examples_sha256:
            yield f"the examples of {run.name}", run.examples_sha256


def _documents(lab: Lab, fingerprint: str) -> Iterator[Block]:
    if lab.knowledge_base.index.fingerprint() != fingerprint:
        yield Points(("The documents were changed since, so that they can't be listed any more.",))
        return
    rows = tuple(
        (
            one.name,
            f"{one.size_bytes:,}",
            f"{one.passages:,}",
            f"{one.passage_tokens} ({one.overlap_tokens})",
            one.sha256,
        )
        for one in lab.knowledge_base.documents()
    )
    head = ("document", "bytes", "passages", "tokens a passage (overlap)", "SHA-256")
    said = f"{len(rows):,} document{'' if len(rows) == 1 else 's'}"
    yield Table(head, rows, said, folded=True)


def _fine_tunes(runs: Mapping[str, Run]) -> Iterator[Block]:
    rows = [
        (field.name, *(_trained_with(run, field.name) for run in runs.values()))
        for field in dataclasses.fields(TrainSettings)
    ]
    measured = dict.fromkeys(name for run in runs.values() for name in run.measures or {})
    rows += [
        (f"measured: {name}", *(_measured(run, name) for run in runs.values())) for name in measured
    ]
    known = tuple(row for row in rows if set(row[1:]) != {_UNKNOWN})
    yield Table(("setting", *runs), known, "Settings of the fine-tunes", folded=True)
    changes = tuple(
        (
            run.name,
            one.kind,
            f"{one.before:.3f}",
            f"{one.after:.3f}",
            f"{one.change:+.1f} ± {one.margin:.1f}",
        )
        for run in runs.values()
        for one in run.forgetting
    )
    if changes:
        head = ("adapter", "what the model could do", "before", "after", "change, points or %")
        yield Table(head, changes, "What the fine-tunes changed of what the model could do before")


def _trained_with(run: Run, setting: str) -> str:
    known = not run.imported or setting in ("rank", "alpha", "dropout")
    return _value(getattr(run.settings, setting)) if known else _UNKNOWN


def _measured(run: Run, name: str) -> str:
    value = (run.measures or {}).get(name)
    return "–" if value is None else f"{value:,.4g}"


def _value(value: Any) -> str:
    """Write a value on one line, so that it can be told exactly."""
    text = str(value)
    if "\n" in text:
        return json.dumps(text, ensure_ascii=False)
    return "none" if value is None or not text else text
