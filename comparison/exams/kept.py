"""The exams of a home: one JSONL file for each."""

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison import sample
from comparison.exams.exam import POOLS, UNANSWERABLE, ExamQuestion, read_exam, to_jsonl
from workbench.errors import RagtuneError
from workbench.files import write_bytes
from workbench.home import Home
from workbench.kept import check_name

_ENDING = ".jsonl"
_LONGEST_NAME = 50
SAMPLE = "the sample's"
_EXISTS = "There is an exam {!r} already. Choose another name."


@dataclass(frozen=True, slots=True)
class KeptExam:
    """An exam of a home."""

    name: str
    path: Path
    questions: int
    pools: dict[str, int]
    """How many questions are in each pool; those that name none, and have an answer, in none."""
    changed: float
    """Seconds since the epoch."""
    trouble: str = ""
    """Why it can't be read, where somebody changed its file; empty where it can."""


def list_exams(home: Home) -> list[KeptExam]:
    """Return the home's exams, those changed last first."""
    exams = [_kept(path) for path in _folder(home).glob(f"[!.]*{_ENDING}")]
    return sorted(exams, key=lambda exam: -exam.changed)


def exam_files(home: Home) -> dict[str, Path]:
    """Return the exams' files by their names: the home's, then the sample's."""
    return {exam.name: exam.path for exam in list_exams(home)} | {SAMPLE: sample.EXAM}


def named_exam(home: Home, name: str) -> Path:
    """Return the file of an exam that a person names: a file, or an exam of `exam_files`.

    Raises:
        RagtuneError: it is neither.
    """
    file, kept = Path(name), exam_files(home)
    if file.is_file():
        return file
    if name not in kept:
        raise RagtuneError(
            f"There is no file and no exam {name!r}. Exams: {', '.join(kept)}. Name one of these, "
            "or a file (.jsonl or .csv)."
        )
    return kept[name]


def find_exam(home: Home, name: str) -> Path:
    """Return the file of the exam with this name.

    Raises:
        RagtuneError: there is none.
    """
    names = [exam.name for exam in list_exams(home)]
    if name not in names:
        raise RagtuneError(f"There is no exam {name!r}. Exams: {', '.join(names) or 'none yet'}.")
    return _file(home, name)


def save_exam(
    home: Home, name: str, questions: Sequence[ExamQuestion], replace: bool = False
) -> Path:
    """Keep an exam and return its file.

    Args:
        home: where.
        name: letters, digits, ".", "_" and "-".
        questions: at least one.
        replace: in place of the exam that has the name; otherwise no exam may have it.

    Raises:
        RagtuneError: the name is unusable or taken, or there are no questions.
    """
    if not questions:
        raise RagtuneError(f"The exam {name!r} has no questions; at least one was expected.")
    with home.lock("exams", 10.0, "Another exam is being saved; try again."):
        if not replace:
            check_free(home, name)
        write_bytes(_file(home, name), to_jsonl(questions).encode())
    return _file(home, name)


def check_free(home: Home, name: str) -> None:
    """Make sure that a new exam may have this name.

    Raises:
        RagtuneError: the name is unusable or taken.
    """
    check_name(name, "exam")
    if _file(home, name).exists():
        raise RagtuneError(_EXISTS.format(name))


def free_name(home: Home, wish: str) -> str:
    """Return a name for a new exam that is like what is wished, with a number where it is taken."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", wish)[:_LONGEST_NAME].strip("._-") or "exam"
    name, number = base, 1
    while _file(home, name).exists():
        number += 1
        name = f"{base}-{number}"
    return name


def delete_exam(home: Home, name: str) -> None:
    """Delete an exam; evaluations keep their own copies.

    Raises:
        RagtuneError: there is none of that name.
    """
    find_exam(home, name).unlink(missing_ok=True)


def pools_of(questions: Sequence[ExamQuestion]) -> dict[str, int]:
    """Return how many questions are in each pool; an unanswerable one need not name its own."""
    counts = Counter(
        UNANSWERABLE if question.unanswerable else question.pool for question in questions
    )
    return {pool: counts[pool] for pool in POOLS}


def _kept(path: Path) -> KeptExam:
    status = path.stat()
    count, pools, trouble = _counted(path, status.st_mtime_ns, status.st_size)
    return KeptExam(path.stem, path, count, dict(pools), status.st_mtime, trouble)


@functools.lru_cache(maxsize=256)
def _counted(path: Path, _changed_ns: int, _bytes: int) -> tuple[int, dict[str, int], str]:
    """Count an exam's questions, by pool; once for each state of its file."""
    try:
        questions = read_exam(path)
    except RagtuneError as error:
        return 0, pools_of([]), str(error)
    return len(questions), pools_of(questions), ""


def _folder(home: Home) -> Path:
    return home.folder / "exams"


def _file(home: Home, name: str) -> Path:
    return _folder(home) / f"{name}{_ENDING}"
