"""The sample from start to end, and its exam: ``python -m benchmarks.sample``.

About 15 minutes on two cores. ``--save FILE`` keeps every answer as JSON, to be read.
``--seeds N`` repeats the fine-tune with further seeds, each about four minutes more, and asks each
of its adapters the wordings that were not trained on; all else is the sample's own run alone.
"""

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.kept_runs import finish
from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.ask import METHODS
from comparison.evaluate import evaluate
from comparison.lab import Lab, open_lab
from comparison.start_training import start_training
from finetune_backend.examples.read import read_examples
from finetune_backend.runs import Run


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep every answer as JSON")
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="fine-tune with the seeds 0 to N - 1"
    )
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"--seeds {options.seeds}: 1 or more was expected")
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        started = time.perf_counter()
        sample.add_documents(lab, lambda message, _share: None)
        indexed = time.perf_counter() - started
        tell(f"indexed in {indexed:.0f} s")
        run = sample.train_sample(lab)
        finish(run)
        total = time.perf_counter() - started
        train_seconds = total - indexed
        exam = _evaluate(lab, sample.EXAM, METHODS, run)
        wordings = [_evaluate(lab, sample.WORDINGS, ("finetuned",), run)]
        for seed in range(1, options.seeds):
            again = _start_again(lab, run, seed)
            finish(again)
            wordings.append(_evaluate(lab, sample.WORDINGS, ("finetuned",), again))
        lab.database.close()
    if options.save:
        document = {"exam": exam, "wordings": wordings}
        options.save.write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")
    of = exam["methods"]
    unseen = [of_seed["methods"]["finetuned"]["contains"] for of_seed in wordings]
    print_report(
        "sample",
        [
            figure("sample_seconds", total, "s", "lower", 360),
            figure("train_seconds", train_seconds, "s", "lower", 240),
            figure("hit_at_5", of["rag"]["hit_at_k"], "share", "higher", 0.95),
            figure("rag_contains", of["rag"]["contains"], "share", "higher", 0.70),
            figure(
                "finetuned_contains", of["finetuned"]["contains_trained"], "share", "higher", 0.80
            ),
            figure("base_contains", of["base"]["contains"], "share", "lower", 0.10),
            figure("unseen_wording_contains", unseen[0], "share", "higher", 0.95, runs=unseen),
        ],
    )
    tell(json.dumps(of, indent=2))


def _start_again(lab: Lab, run: Run, seed: int) -> Run:
    """Start the sample's fine-tune with another seed and all else equal."""
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples
    settings = dataclasses.replace(run.settings, seed=seed)
    name = f"{run.name}-seed-{seed}"
    return start_training(lab, examples, settings, name)


def _evaluate(lab: Lab, exam: Path, methods: tuple[str, ...], run: Run) -> dict[str, Any]:
    def progress(done: int, of: int) -> None:
        tell(f"{exam.name} {done}/{of}")

    return evaluate(lab, exam, methods, run.name, progress)


if __name__ == "__main__":
    main()
