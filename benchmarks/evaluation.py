"""The sample's exam, asked of all four methods: ``python -m benchmarks.evaluation``.

Seven minutes, four of them for the sample's fine-tune. ``--home DIR`` keeps all of it there, and
takes a fine-tune that is there already. ``evaluation_seconds`` is from pressing "Start" to the
verdicts: a process of its own that loads the model, 288 answers one by one, their figures.
"""

import argparse
import tempfile
import time

from benchmarks.kept_runs import finish
from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.ask import METHODS
from comparison.columns import Column
from comparison.evaluation.kept import read_evaluation
from comparison.evaluation.results import Results, results
from comparison.evaluation.start import start_evaluation
from comparison.lab import Lab, open_lab
from workbench import jobs


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", metavar="DIR", help="where everything is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lab = open_lab(options.home or scratch)
        if lab.knowledge_base.empty():
            sample.add_documents(lab, lambda message, _share: None)
        run = finish(sample.train_sample(lab))
        seconds, found = _evaluate(lab, run.name)
        lab.database.close()
    for sentence in (*(verdict.sentence for verdict in found.verdicts), *found.notes):
        tell(sentence)
    per_answer = seconds / len(found.rows)
    print_report(
        "evaluation",
        [
            figure("evaluation_seconds", seconds, "s", "lower", 240),
            figure("seconds_per_answer", per_answer, "s", "lower", 240 / 288),
        ],
    )


def _evaluate(lab: Lab, adapter: str) -> tuple[float, Results]:
    columns = [
        Column(method, adapter if method in ("finetuned", "hybrid") else None) for method in METHODS
    ]
    told = [0.0]

    def progress(message: str, share: float) -> None:
        if share >= told[0]:
            tell(message)
            told[0] = share + 0.1

    started = time.perf_counter()
    made = start_evaluation(lab, sample.EXAM.read_bytes(), sample.EXAM.name, columns)
    jobs.follow(made.folder, progress)
    found = results(read_evaluation(made.folder))
    return time.perf_counter() - started, found


if __name__ == "__main__":
    main()
