"""The sample's exam, bundled and asked again: ``python -m benchmarks.replay``.

``replay_equal`` is the share of answers of all four methods that come out the same, to the letter
and with the same sources, from the bundle alone. The adapter is one that learned a few examples
for a moment: what it says matters less than that it is said again. ``--home DIR`` keeps all of it
there, and takes the newest fine-tune that is there already.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.kept_runs import trained
from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.ask import METHODS
from comparison.columns import Column
from comparison.evaluation.kept import Evaluation, read_evaluation
from comparison.evaluation.start import start_evaluation
from comparison.lab import Lab, open_lab
from comparison.replay.bundle import save_bundle
from comparison.replay.replay import replay
from finetune_backend.examples.read import read_examples
from finetune_backend.settings import TrainSettings
from workbench import jobs

_EXAMPLES = 48
_SETTINGS = TrainSettings(epochs=2, held_out=0)


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", metavar="DIR", help="where everything is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lab = open_lab(options.home or scratch)
        if lab.knowledge_base.empty():
            sample.add_documents(lab, lambda message, _share: None)
        evaluation = _evaluate(lab, _adapter(lab))
        file = Path(scratch) / "sample.zip"
        save_bundle(lab, evaluation, file)
        tell(f"bundled in {file.stat().st_size / 1e6:.1f} MB")
        made = replay(lab, file, _Telling())
        lab.database.close()
    tell(made.sentence)
    for one in made.differences:
        tell(f"question {one.number + 1}, {one.column}, differs in {' and '.join(one.differs)}")
    for sentence in made.conditions:
        tell(sentence)
    share = made.equal / made.answers
    print_report("replay", [figure("replay_equal", share, "share", "higher", 1.0)])


def _adapter(lab: Lab) -> str:
    there = lab.adapters()
    if there:
        return there[0].name
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples
    return trained(lab, "replayed", examples[:_EXAMPLES], _SETTINGS).name


def _evaluate(lab: Lab, adapter: str) -> Evaluation:
    columns = [
        Column(method, adapter if method in ("finetuned", "hybrid") else None) for method in METHODS
    ]
    made = start_evaluation(lab, sample.EXAM.read_bytes(), sample.EXAM.name, columns)
    jobs.follow(made.folder, _Telling())
    return read_evaluation(made.folder)


class _Telling:
    """Says on stderr how far it is, at every tenth."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, message: str, share: float) -> None:
        if share >= self._next:
            tell(message)
            self._next = share + 0.1


if __name__ == "__main__":
    main()
