"""Where what was measured is found: in kept evaluations, in a file, in the fine-tunes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from comparison.advice.measured import Evidence, RunMeasure, evidence_from_rows
from comparison.evaluation.kept import read_evaluation
from comparison.evaluation.rows import read_rows
from comparison.lab import Lab
from finetune_backend.runs import Run, list_runs
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.home import Home

_FOLDER, _ROWS = "evaluations", "rows.jsonl"


def kept_evaluations(home: Home) -> list[str]:
    """Return the names of the evaluations that are kept: those that came to their end first, each
    the newest first.
    """
    files = list((home.folder / _FOLDER).glob(f"*/{_ROWS}"))
    by_age = sorted(files, key=lambda file: (-file.stat().st_mtime, file.parent.name))
    by_age.sort(key=lambda file: jobs.read(file.parent).state != "done")
    return [file.parent.name for file in by_age]


def find_evidence(lab: Lab, evaluation: str | None = None) -> Evidence:
    """Return the evidence of an evaluation.

    Args:
        lab: where evaluations and fine-tunes are.
        evaluation: the name of a kept one, or a file that `ragtune evaluate --json` printed; by
            default the first of `kept_evaluations`. Without any, what fine-tunes measured is
            returned.

    Raises:
        RagtuneError: there is no such evaluation, or it can't be read.
    """
    kept = kept_evaluations(lab.home)
    if evaluation is None and not kept:
        return evidence_of(lab, [], "")
    name = kept[0] if evaluation is None else evaluation
    is_kept = name in kept
    file = lab.home.folder / _FOLDER / name / _ROWS if is_kept else Path(name)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RagtuneError(
            f"The evaluation {name!r} can't be read: {error.strerror}. Kept are: "
            f"{', '.join(kept) or 'none yet'}. A file that `ragtune evaluate EXAM.jsonl --json` "
            "printed will do as well."
        ) from error
    if is_kept:
        data = data[: data.rfind(b"\n") + 1]  # the last row may just be being written
    rows = rows_from(data, name) if data or not is_kept else []
    evidence = evidence_of(lab, rows, name if is_kept else file.name)
    if is_kept:
        made = read_evaluation(file.parent)
        evidence = replace(evidence, answers=len(read_rows(made.folder)), expected=made.answers)
    return evidence


def evidence_of(lab: Lab, rows: Sequence[dict[str, Any]], name: str) -> Evidence:
    """Return what rows and the fine-tune that made their adapter say; see `rows_from`."""
    evidence = evidence_from_rows(rows, name=name)
    tuned = [one for one in evidence.methods if one.method in ("finetuned", "hybrid")]
    named = next((one.adapter for one in tuned if one.adapter), None)
    runs = [run for run in list_runs(lab.home) if "seconds" in (run.measures or {})]
    run = next((run for run in runs if named in (None, run.name)), None)
    measured = _measured(run) if run else None
    return replace(evidence, run=measured, served=bool(lab.settings.server))


def rows_from(data: bytes, name: str) -> list[dict[str, Any]]:
    """Read the rows of an evaluation, from what the command line prints or from a row a line.

    Raises:
        RagtuneError: it is neither; the message names it.
    """
    expected = f"{name} is not an evaluation: what `ragtune evaluate --json` prints was expected."
    try:
        text = data.decode("utf-8-sig")
        try:
            whole: Any = json.loads(text)
        except json.JSONDecodeError:
            whole = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise RagtuneError(expected) from error
    rows = whole.get("rows", [whole]) if isinstance(whole, dict) else whole
    if not isinstance(rows, list) or not rows:
        raise RagtuneError(expected)
    return rows


def _measured(run: Run) -> RunMeasure:
    measures = run.measures or {}
    return RunMeasure(
        run.name,
        measures["seconds"],
        measures.get("peak_memory_gb"),
        measures.get("watt_hours"),
        run.forgetting,
    )
