"""Where to decline: below which score few of the questions lie that passages do answer."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import RagtuneError
from workbench.files import read_json, write_json

_KEPT = 200
"""How many scores are kept, evenly drawn from all."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a verifier said of questions whose passages do hold the answer."""

    scores: tuple[float, ...]
    """In rising order."""
    questions: int
    """How many there were."""
    verifier: str
    """The digest of the one that scored them; the scores of another don't compare."""
    made_at: str
    """ISO 8601, UTC."""

    def threshold(self, declined: float) -> float:
        """Return the score to decline below, so that a share of such questions is declined."""
        return self.scores[min(int(declined * len(self.scores)), len(self.scores) - 1)]


def calibration_of(scores: Sequence[float], verifier: str) -> Calibration:
    """Return a calibration from what a verifier says of questions that can be answered."""
    rising, kept = sorted(scores), min(_KEPT, len(scores))
    drawn = (rising[place * len(rising) // kept] for place in range(kept))
    rounded = tuple(math.floor(one * 1000) / 1000 for one in drawn)  # never above what it was
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Calibration(rounded, len(rising), verifier, now)


def read_calibration(file: Path) -> Calibration:
    """Read a calibration.

    Raises:
        RagtuneError: the file holds none.
    """
    try:
        calibration = Calibration(**read_json(file))
        scores = tuple(float(score) for score in calibration.scores)
    except (OSError, TypeError, ValueError) as error:
        raise RagtuneError(f"{file} holds no calibration. Move it away.") from error
    if not scores or list(scores) != sorted(scores):
        raise RagtuneError(f"{file} holds no rising scores. Move it away.")
    return Calibration(scores, calibration.questions, calibration.verifier, calibration.made_at)


def write_calibration(calibration: Calibration, file: Path) -> None:
    """Write a calibration, to be read by `read_calibration`."""
    write_json(file, asdict(calibration))
