"""What a judge said, kept as it is said: a line for each case, in the folder of a job.

What it says of blind votes is in the home's ``judge/KEY``, of an evaluation in its own
``judge-KEY``; the key stands for model and prompt, so that neither is mixed with another's.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.evaluation.kept import JUDGE, Evaluation, evaluations_folder, judge_folders
from comparison.judge.case import Case, Judgement
from comparison.judge.judge import Judge
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json
from workbench.home import Home
from workbench.json_lines import add_line, changes_with, mend_lines, whole_lines

_FILE = "judgements.jsonl"


@dataclass(frozen=True, slots=True)
class Judging:
    """A judge's work on an evaluation."""

    folder: Path
    model: str
    sha256: str
    """Of the judge's checkpoint."""
    agreement: str
    """How far it agreed with the votes when it was last started, as a sentence."""
    kappa: tuple[float, float, float]
    """The same as Cohen's κ, with the ends of its 95 % interval."""
    votes: int
    """How many it was held against."""


def votes_folder(home: Home, judge: Judge) -> Path:
    """Return where a judge's word on the blind votes is kept; it may not be made yet."""
    return home.folder / "judge" / judge.key


def judging_folder(evaluation: Evaluation, judge: Judge) -> Path:
    """Return where a judge's word on an evaluation is kept; it may not be made yet."""
    return evaluation.folder / f"judge-{judge.key}"


def judgings(evaluation: Evaluation) -> list[Judging]:
    """Return the judges' works on an evaluation, the one begun last first."""
    folders = judge_folders(evaluation.folder)
    newest = sorted(folders, key=lambda one: -(one / JUDGE).stat().st_mtime)
    return [read_judging(one) for one in newest]


def read_judging(folder: Path) -> Judging:
    """Read a judge's work on an evaluation from its folder."""
    saved = read_json(folder / JUDGE)
    return Judging(folder=folder, **saved | {"kappa": tuple(saved["kappa"])})


def judge_at_work(home: Home) -> Path | None:
    """Return the folder of what a judge is at work on; None where it is on nothing."""
    folders = [file.parent for file in home.folder.glob(f"judge/*/{JUDGE}")]
    for evaluation in evaluations_folder(home).glob("*"):
        folders += judge_folders(evaluation)
    return next(filter(jobs.at_work, folders), None)


def read_judgements(folder: Path) -> dict[str, Judgement]:
    """Return what was said, by the digests of the cases; nothing where nothing was yet.

    Raises:
        RagtuneError: the file is damaged.
    """
    return _read(folder, changes_with(folder / _FILE))


def said_so_far(folder: Path) -> tuple[int, int]:
    """Return what changes with the judgements."""
    return changes_with(folder / _FILE)


def mend_judgements(folder: Path) -> None:
    """Drop what a kill left of a line; see `mend_lines`."""
    mend_lines(folder / _FILE)


def add_judgement(folder: Path, case: Case, judgement: Judgement) -> None:
    """Add what was said of a case; see `add_line`."""
    row = {"case": case.digest, "forward": judgement.forward, "turned": judgement.turned}
    add_line(folder / _FILE, row)


@functools.lru_cache(maxsize=4)
def _read(folder: Path, _version: tuple[int, int]) -> dict[str, Judgement]:
    file, found = folder / _FILE, dict[str, Judgement]()
    for number, line in enumerate(whole_lines(file), start=1):
        try:
            row: dict[str, Any] = json.loads(line)
            found[row["case"]] = Judgement(row["forward"], row["turned"])
        except (ValueError, KeyError, TypeError) as error:
            raise RagtuneError(
                f"Line {number} of {file} is damaged: a judgement was expected there. Delete that "
                "line; what it said will be asked again."
            ) from error
    return found
